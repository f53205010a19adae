package org.grpo4j.trainer.plugin;

import java.util.Collection;
import java.util.Comparator;
import java.util.Optional;
import org.apache.commons.text.similarity.LevenshteinDistance;

/** What a misspelt name may have meant. */
public final class NearestName {
  private static final LevenshteinDistance EDITS = LevenshteinDistance.getDefaultInstance();

  private NearestName() {}

  /** The known name with the fewest edits; empty where they are more than a misspelling has. */
  public static Optional<String> of(Collection<String> known, String name) {
    int most = Math.max(2, name.length() / 3);
    return known.stream().min(byEdits(name)).filter(nearest -> EDITS.apply(nearest, name) <= most);
  }

  /** For example: did you mean 'toolrl'? there are toolrl, exact_call. */
  public static String suggestion(Collection<String> known, String name) {
    return of(known, name).map("did you mean '%s'? "::formatted).orElse("")
        + "there are "
        + String.join(", ", known);
  }

  /** An order of names by their edits from another. */
  public static Comparator<String> byEdits(String name) {
    return Comparator.comparingInt(known -> EDITS.apply(known, name));
  }
}
