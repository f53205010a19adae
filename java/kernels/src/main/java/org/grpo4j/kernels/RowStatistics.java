package org.grpo4j.kernels;

import org.bytedeco.javacpp.FloatPointer;
import org.grpo4j.kernels.internal.NativeRowOutputs;
import org.jspecify.annotations.Nullable;

/**
 * Where a call puts what it found about each of its N rows; every array has exactly N elements.
 *
 * @param logProbs log p(target)
 * @param entropy −Σ p·log p, in nats
 * @param lse log Σ e^(z/T), or null if not wanted
 * @param sumSquares Σ p², or null if not wanted
 */
public record RowStatistics(
    FloatPointer logProbs,
    FloatPointer entropy,
    @Nullable FloatPointer lse,
    @Nullable FloatPointer sumSquares)
    implements AutoCloseable {

  /** All four arrays for n rows, in native memory. */
  public static RowStatistics allocate(long n) {
    return new RowStatistics(
        new FloatPointer(n), new FloatPointer(n), new FloatPointer(n), new FloatPointer(n));
  }

  void check(long n) {
    Arguments.array("out.logProbs", logProbs, n);
    Arguments.array("out.entropy", entropy, n);
    Arguments.optionalArray("out.lse", lse, n);
    Arguments.optionalArray("out.sumSquares", sumSquares, n);
  }

  void describeTo(NativeRowOutputs out) {
    out.log_probs(logProbs).entropy(entropy).lse(lse).sum_squares(sumSquares);
  }

  /** Releases the arrays. */
  @Override
  public void close() {
    logProbs.close();
    entropy.close();
    if (lse != null) {
      lse.close();
    }
    if (sumSquares != null) {
      sumSquares.close();
    }
  }
}
