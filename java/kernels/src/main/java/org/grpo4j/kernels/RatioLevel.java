package org.grpo4j.kernels;

import org.grpo4j.kernels.internal.Native;

/** Whose ratio an objective sees. d = logProb − oldLogProb. */
public enum RatioLevel {
  /** Each token's own, r = e^d. The logits are visited once. */
  TOKEN(Native.GRPO4J_RATIO_TOKEN),
  /**
   * One per sequence, e^(mean of d over its active tokens), with its gradient shared by them: GSPO
   * (arXiv 2507.18071). The logits are visited twice.
   */
  SEQUENCE(Native.GRPO4J_RATIO_SEQUENCE),
  /** The value of SEQUENCE with each token's own gradient: GSPO-token. */
  SEQUENCE_TOKEN(Native.GRPO4J_RATIO_SEQUENCE_TOKEN);

  private final int code;

  RatioLevel(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
