package org.grpo4j.trainer.weight;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.grpo4j.torch.InputException;

/** How the losses of an optimizer step's tokens become one: see {@link TokenWeights}. */
public enum Aggregation {
  /** m / Σm over the step: every token counts the same (DAPO). */
  TOKEN_MEAN,
  /** m / (B · len): every completion counts the same (GRPO). */
  SEQ_MEAN_TOKEN_MEAN,
  /** m / B. */
  SEQ_MEAN_TOKEN_SUM,
  /** m / (B · maxCompletionLength): no bias by length (Dr.GRPO). */
  SEQ_MEAN_TOKEN_SUM_NORM;

  /** The aggregation of a configuration's word, for example token_mean. */
  public static Aggregation named(String name) {
    for (Aggregation value : values()) {
      if (value.name().toLowerCase(Locale.ROOT).equals(name)) {
        return value;
      }
    }
    throw new InputException(
        "unknown aggregation '"
            + name
            + "'; there are "
            + Arrays.stream(values())
                .map(value -> value.name().toLowerCase(Locale.ROOT))
                .collect(Collectors.joining(", ")));
  }
}
