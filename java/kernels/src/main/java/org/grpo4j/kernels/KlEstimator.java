package org.grpo4j.kernels;

import org.grpo4j.kernels.internal.Native;

/** Estimators of KL(policy || reference) from one sample, with q = refLogProb − logProb. */
public enum KlEstimator {
  /** −q: unbiased, may be negative. */
  K1(Native.GRPO4J_KL_K1),
  /** q² / 2. */
  K2(Native.GRPO4J_KL_K2),
  /** e^q − q − 1: unbiased and never negative; what GRPO uses. */
  K3(Native.GRPO4J_KL_K3);

  private final int code;

  KlEstimator(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
