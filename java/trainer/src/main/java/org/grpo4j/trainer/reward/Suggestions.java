package org.grpo4j.trainer.reward;

import java.util.Collection;
import org.grpo4j.trainer.plugin.NearestName;

/** Tells what a misspelt name may have meant, and what there is. */
final class Suggestions {
  private Suggestions() {}

  /** For example: did you mean 'toolrl'? there are toolrl, exact_call. */
  static String among(Collection<String> known, String name) {
    return NearestName.of(known, name).map("did you mean '%s'? "::formatted).orElse("")
        + "there are "
        + String.join(", ", known);
  }
}
