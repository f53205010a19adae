package org.grpo4j.trainer.reward;

import java.util.Collection;
import java.util.Comparator;
import org.apache.commons.text.similarity.LevenshteinDistance;

/** Tells what a misspelt name may have meant. */
final class Suggestions {
  /** Edits beyond which a name is not taken for another's misspelling. */
  private static final int MAX_EDITS = 3;

  private Suggestions() {}

  /** For example: did you mean 'toolrl'? there are toolrl, exact_call. */
  static String among(Collection<String> known, String name) {
    LevenshteinDistance distance = LevenshteinDistance.getDefaultInstance();
    String nearest =
        known.stream()
            .min(Comparator.comparingInt(candidate -> distance.apply(candidate, name)))
            .orElseThrow();
    String list = "there are " + String.join(", ", known);
    return distance.apply(nearest, name) <= MAX_EDITS
        ? "did you mean '" + nearest + "'? " + list
        : list;
  }
}
