package org.grpo4j.trainer.benchmark;

import org.jspecify.annotations.Nullable;

/**
 * What a judge says of an answer.
 *
 * @param valid whether it is right
 * @param errorType the kind of error, in BFCL's words for BFCL; null where it is right
 * @param message what is wrong, empty where it is right
 */
public record Verdict(boolean valid, @Nullable String errorType, String message) {
  static final Verdict RIGHT = new Verdict(true, null, "");

  static Verdict wrong(String errorType, String message) {
    return new Verdict(false, errorType, message);
  }
}
