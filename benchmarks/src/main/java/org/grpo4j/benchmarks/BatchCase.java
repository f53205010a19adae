package org.grpo4j.benchmarks;

import java.util.Locale;

/**
 * What a benchmark runs on.
 *
 * @param dtype f32 or bf16
 * @param logits standard deviation of normal logits, or {@link SharedLogits#HALF_MINUS_INFINITY}
 * @param threads of libtorch, of the kernels and of the yardsticks
 * @param entropyCoef not 0: the bonus has a gradient, and e^u is computed twice
 * @param sumSquares whether Σp² is computed, too
 */
record BatchCase(
    long rows,
    long vocab,
    String dtype,
    String logits,
    int threads,
    double entropyCoef,
    boolean sumSquares) {
  /** Of the logits. */
  long bytes() {
    return rows * vocab * (dtype.equals("bf16") ? 2 : 4);
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%d x %d %s, logits %s, %d threads, entropy %s%s",
        rows,
        vocab,
        dtype,
        logits,
        threads,
        entropyCoef,
        sumSquares ? ", with sum p^2" : "");
  }
}
