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
  private static final CallMemory.Pool<NativeTokenStatsArgs, NativeReport> MEMORY =
      new CallMemory.Pool<>(
          NativeTokenStatsArgs.class,
          NativeTokenStatsArgs::new,
          NativeReport.class,
          NativeReport::new);

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
    try (CallMemory<NativeTokenStatsArgs, NativeReport> memory = MEMORY.take()) {
      out.describeTo(memory.in, Struct.TokenStatsArgs.OUT);
      return call(memory, logits, rows, n);
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
    try (CallMemory<NativeTokenStatsArgs, NativeReport> memory = MEMORY.take()) {
      int at = Struct.TokenStatsArgs.OUT;
      Struct.put(memory.in, at + Struct.Outputs.LOG_PROBS, logProbs);
      Struct.put(memory.in, at + Struct.Outputs.ENTROPY, null);
      Struct.put(memory.in, at + Struct.Outputs.LSE, null);
      Struct.put(memory.in, at + Struct.Outputs.SUM_SQUARES, null);
      return call(memory, logits, rows, n);
    } finally {
      Reference.reachabilityFence(logProbs);
    }
  }

  private static Isa call(
      CallMemory<NativeTokenStatsArgs, NativeReport> memory,
      Logits logits,
      LogitRows rows,
      long n) {
    try {
      logits.describeTo(memory.in, Struct.TokenStatsArgs.LOGITS);
      rows.describeTo(memory.in, Struct.TokenStatsArgs.ROWS, n);
      memory.in.putInt(Struct.TokenStatsArgs.FLAGS, 0);
      int status = Native.grpo4j_token_stats(memory.args, memory.result);
      NativeCalls.check(status, memory.out, 0, n);
      return NativeCalls.isa(memory.out, 0);
    } finally {
      Reference.reachabilityFence(logits);
      Reference.reachabilityFence(rows);
    }
  }
}
