package org.grpo4j.kernels;

import java.nio.ByteBuffer;
import org.bytedeco.javacpp.FloatPointer;
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

  /**
   * Log-probs and entropies alone for n rows, in native memory: what a loss needs anyway.
   *
   * @return arrays to be closed, or left to the garbage collector
   */
  public static RowStatistics allocateLogProbsAndEntropy(long n) {
    checkCount(n);
    return new RowStatistics(new FloatPointer(n), new FloatPointer(n), null, null);
  }

  /**
   * All four arrays for n rows, in native memory. Σp² costs one more operation for each logit, a
   * tenth of a call's time where the logits are in the processor's caches; lse costs nothing.
   *
   * @return arrays to be closed, or left to the garbage collector
   */
  public static RowStatistics allocate(long n) {
    checkCount(n);
    return new RowStatistics(
        new FloatPointer(n), new FloatPointer(n), new FloatPointer(n), new FloatPointer(n));
  }

  private static void checkCount(long n) {
    Arguments.check(
        n >= 0 && n <= Long.MAX_VALUE / Float.BYTES,
        "statistics have shape [%s]: want [>= 0], and what memory can hold",
        n);
  }

  void check(long n) {
    Arguments.array("out.logProbs", logProbs, n);
    Arguments.array("out.entropy", entropy, n);
    Arguments.optionalArray("out.lse", lse, n);
    Arguments.optionalArray("out.sumSquares", sumSquares, n);
  }

  void addTo(WrittenMemory written) {
    written.output("out.logProbs", logProbs);
    written.output("out.entropy", entropy);
    written.output("out.lse", lse);
    written.output("out.sumSquares", sumSquares);
  }

  void describeTo(ByteBuffer to, int at) {
    Struct.put(to, at + Struct.Outputs.LOG_PROBS, logProbs);
    Struct.put(to, at + Struct.Outputs.ENTROPY, entropy);
    Struct.put(to, at + Struct.Outputs.LSE, lse);
    Struct.put(to, at + Struct.Outputs.SUM_SQUARES, sumSquares);
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
