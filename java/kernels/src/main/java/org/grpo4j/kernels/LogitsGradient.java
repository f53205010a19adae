package org.grpo4j.kernels;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativeLogitsGradientArgs;
import org.grpo4j.kernels.internal.NativeReport;

/** The gradient to the logits, or to a shard of them: the last part of {@link PolicyLoss}. */
public final class LogitsGradient {
  private static final CallMemory.Pool<NativeLogitsGradientArgs, NativeReport> MEMORY =
      new CallMemory.Pool<>(
          NativeLogitsGradientArgs.class,
          NativeLogitsGradientArgs::new,
          NativeReport.class,
          NativeReport::new);

  private LogitsGradient() {}

  /**
   * dz_v = (1/T)·[g·(1[v = y] − p_v) − h·p_v·(log p_v + H)], with p and H from the merged states.
   * Rows of slopes 0, and bad rows, are not read; their gradient is 0.
   *
   * @param logits [rows, vocabulary of the shard]
   * @param rows N rows, strictly increasing
   * @param shard which part of the vocabulary the logits are
   * @param states [1, N] merged over all shards
   * @param slopes [N]
   * @param gradient of the logits' shape and dtype: the same memory (in place) or disjoint
   * @return the instruction set that ran
   */
  public static Isa compute(
      Logits logits,
      LogitRows rows,
      VocabShard shard,
      RowStates states,
      RowSlopes slopes,
      Logits gradient) {
    return call(new Where(logits, rows, shard, gradient), states, slopes, 0);
  }

  /**
   * The same, added to what the gradient's memory holds, which is not the logits'. Rows of slopes 0
   * and bad rows stay as they are.
   */
  public static Isa accumulate(
      Logits logits,
      LogitRows rows,
      VocabShard shard,
      RowStates states,
      RowSlopes slopes,
      Logits gradient) {
    return call(new Where(logits, rows, shard, gradient), states, slopes, Native.GRPO4J_ACCUMULATE);
  }

  private record Where(Logits logits, LogitRows rows, VocabShard shard, Logits gradient) {}

  private static Isa call(Where where, RowStates states, RowSlopes slopes, int flags) {
    Logits logits = where.logits();
    LogitRows rows = where.rows();
    VocabShard shard = where.shard();
    Logits gradient = where.gradient();
    Kernels.ready();
    long n = rows.check(logits, true);
    shard.checkFits(logits);
    states.checkRows("states", n);
    slopes.checkRows("slopes", n);
    NativeCalls.checkGradient(logits, gradient, flags == Native.GRPO4J_ACCUMULATE);
    try (CallMemory<NativeLogitsGradientArgs, NativeReport> call = MEMORY.take()) {
      ByteBuffer in = call.in;
      logits.describeTo(in, Struct.LogitsGradientArgs.LOGITS);
      gradient.describeTo(in, Struct.LogitsGradientArgs.GRADIENT);
      rows.describeTo(in, Struct.LogitsGradientArgs.ROWS, n);
      Struct.put(in, Struct.LogitsGradientArgs.STATES, states.memory());
      Struct.put(in, Struct.LogitsGradientArgs.SLOPES, slopes.memory());
      in.putLong(Struct.LogitsGradientArgs.VOCAB_BEGIN, shard.begin())
          .putLong(Struct.LogitsGradientArgs.VOCAB_TOTAL, shard.total())
          .putInt(Struct.LogitsGradientArgs.FLAGS, flags);
      int status = Native.grpo4j_logits_gradient(call.args, call.result);
      NativeCalls.check(status, call.out, 0, n);
      return NativeCalls.isa(call.out, 0);
    } finally {
      Reference.reachabilityFence(logits);
      Reference.reachabilityFence(rows);
      Reference.reachabilityFence(states);
      Reference.reachabilityFence(slopes);
      Reference.reachabilityFence(gradient);
    }
  }
}
