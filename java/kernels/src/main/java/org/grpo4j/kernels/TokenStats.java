package org.grpo4j.kernels;

import java.lang.ref.Reference;
import org.bytedeco.javacpp.LongPointer;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativeReport;
import org.grpo4j.kernels.internal.NativeTokenStatsArgs;
import org.jspecify.annotations.Nullable;

/** Log-prob of the target, entropy, lse and Σp² of each row, forward only, one read of the row. */
public final class TokenStats {
  private TokenStats() {}

  /**
   * Fills {@code out} for the rows given.
   *
   * @param logits [rows, vocab]
   * @param targets [N], in [0, vocab)
   * @param rowIndices [N] rows of the logits in any order; null: all rows, N = rows
   * @param temperature divides the logits
   * @param out [N] each
   * @return the instruction set that ran
   * @throws IllegalArgumentException if an argument is null, closed or of the wrong shape
   * @throws KernelException if a row has a NaN, +∞ or nothing but −∞ among its logits, or a target
   *     outside the vocabulary; the outputs of such rows are NaN, the others are right
   */
  public static Isa compute(
      Logits logits,
      LongPointer targets,
      @Nullable LongPointer rowIndices,
      double temperature,
      RowStatistics out) {
    Kernels.ready();
    NativeCalls.checkRows(logits, rowIndices, false);
    long n = NativeCalls.rows(logits, rowIndices);
    Arguments.array("targets", targets, n);
    Arguments.check(
        temperature > 0 && Double.isFinite(temperature),
        "temperature is %s: want > 0 and finite",
        temperature);
    out.check(n);
    try (NativeTokenStatsArgs args = new NativeTokenStatsArgs();
        NativeReport report = new NativeReport()) {
      logits.describeTo(args.logits());
      out.describeTo(args.out());
      NativeCalls.describeTo(args.rows(), n, rowIndices, targets, temperature);
      args.flags(0);
      int status = Native.grpo4j_token_stats(args, report);
      NativeCalls.check(status, report, n);
      return Isa.of(report.isa());
    } finally {
      Reference.reachabilityFence(logits);
      Reference.reachabilityFence(targets);
      Reference.reachabilityFence(rowIndices);
      Reference.reachabilityFence(out);
    }
  }
}
