package org.grpo4j.kernels.weight;

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
}
