package org.grpo4j.kernels;

import java.lang.ref.Reference;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
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
   * @param rows N rows in any order
   * @param out [N] each
   * @return the instruction set that ran
   * @throws IllegalArgumentException if an argument is null, closed or of the wrong shape
   * @throws KernelException if a row has a NaN, +∞ or nothing but −∞ among its logits, a target
   *     outside the vocabulary or an unusable temperature; the outputs of such rows are NaN, the
   *     others are right
   */
  public static Isa compute(Logits logits, LogitRows rows, RowStatistics out) {
    Kernels.ready();
    long n = rows.check(logits, false);
    out.check(n);
    try (NativeTokenStatsArgs args = new NativeTokenStatsArgs()) {
      out.describeTo(args.out());
      return call(args, logits, rows, n);
    } finally {
      Reference.reachabilityFence(out);
    }
  }

  /**
   * The same with the rows' parts one by one.
   *
   * @param targets [N], in [0, vocab): a LongPointer or an IntPointer
   * @param rowIndices [N] rows of the logits in any order; null: all rows, N = rows
   */
  public static Isa compute(
      Logits logits,
      Pointer targets,
      @Nullable LongPointer rowIndices,
      double temperature,
      RowStatistics out) {
    return compute(logits, new LogitRows(targets, rowIndices, temperature, null), out);
  }

  /**
   * Log-probs alone, for old and reference policies: less arithmetic, the same read.
   *
   * @param logProbs [N]
   * @see #compute(Logits, LogitRows, RowStatistics)
   */
  public static Isa logProbs(Logits logits, LogitRows rows, FloatPointer logProbs) {
    Kernels.ready();
    long n = rows.check(logits, false);
    Arguments.array("logProbs", logProbs, n);
    try (NativeTokenStatsArgs args = new NativeTokenStatsArgs()) {
      args.out().log_probs(logProbs).entropy(null).lse(null).sum_squares(null);
      return call(args, logits, rows, n);
    } finally {
      Reference.reachabilityFence(logProbs);
    }
  }

  private static Isa call(NativeTokenStatsArgs args, Logits logits, LogitRows rows, long n) {
    try (NativeReport report = new NativeReport()) {
      logits.describeTo(args.logits());
      rows.describeTo(args.rows(), n);
      args.flags(0);
      int status = Native.grpo4j_token_stats(args, report);
      NativeCalls.check(status, report, n);
      return Isa.of(report.isa());
    } finally {
      Reference.reachabilityFence(logits);
      Reference.reachabilityFence(rows);
    }
  }
}
