package org.grpo4j.kernels;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativeObjectiveArgs;
import org.grpo4j.kernels.internal.NativePolicyMetrics;

/** Loss, metrics and slopes from log-probs and entropies: the middle part of {@link PolicyLoss}. */
public final class Objective {
  private static final CallMemory.Pool<NativeObjectiveArgs, NativePolicyMetrics> MEMORY =
      new CallMemory.Pool<>(
          NativeObjectiveArgs.class,
          NativeObjectiveArgs::new,
          NativePolicyMetrics.class,
          NativePolicyMetrics::new);

  private Objective() {}

  /**
   * Computes loss and slopes. No logits are read: what the loss of a sequence needs of all its
   * tokens happens here.
   *
   * @param batch N rows; its targets, rowIndices and temperatures are not looked at
   * @param statistics [N] log-probs and entropies; a NaN log-prob marks a bad row. Rows whose loss
   *     or slope is not finite become NaN
   * @param slopes [N] receives g and h; 0 for masked and bad rows
   * @throws KernelException if rows became bad and {@link PolicyLossConfig#zeroBadRows} is off
   */
  public static PolicyLossMetrics compute(
      PolicyBatch batch, PolicyLossConfig config, RowStatistics statistics, RowSlopes slopes) {
    Kernels.ready();
    long n = slopes.rows();
    batch.check(n, config);
    statistics.check(n);
    try (CallMemory<NativeObjectiveArgs, NativePolicyMetrics> call = MEMORY.take()) {
      ByteBuffer in = call.in;
      batch.describeTo(in, Struct.ObjectiveArgs.BATCH);
      statistics.describeTo(in, Struct.ObjectiveArgs.OUT);
      config.describeTo(in, Struct.ObjectiveArgs.CONFIG);
      Struct.put(in, Struct.ObjectiveArgs.SLOPES, slopes.memory());
      in.putLong(Struct.ObjectiveArgs.N, n).putInt(Struct.ObjectiveArgs.FLAGS, config.flags());
      int status = Native.grpo4j_objective(call.args, call.result);
      NativeCalls.check(status, call.out, Struct.Metrics.REPORT, n);
      return PolicyLossMetrics.of(call.out);
    } finally {
      Reference.reachabilityFence(batch);
      Reference.reachabilityFence(statistics);
      Reference.reachabilityFence(slopes);
    }
  }
}
