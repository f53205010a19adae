package org.grpo4j.kernels;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativePolicyLossArgs;
import org.grpo4j.kernels.internal.NativePolicyMetrics;
import org.jspecify.annotations.Nullable;

/** The policy loss and its gradient to the logits, in one call. */
public final class PolicyLoss {
  private static final CallMemory.Pool<NativePolicyLossArgs, NativePolicyMetrics> MEMORY =
      new CallMemory.Pool<>(
          NativePolicyLossArgs.class,
          NativePolicyLossArgs::new,
          NativePolicyMetrics.class,
          NativePolicyMetrics::new);

  private PolicyLoss() {}

  /**
   * Computes loss, statistics and gradient.
   *
   * <p>dz_v = (1/T)·[g·(1[v = y] − p_v) − h·p_v·(log p_v + H)] with g = ∂loss/∂logProb and h =
   * ∂loss/∂H, times 1 − (z_v/c)² under a soft cap c. Rows that the batch's rowIndices leave out are
   * neither read nor written: in place, they still hold logits afterwards. With ratios per token
   * each row is visited once; with ratios per sequence twice, and 56 bytes per row are allocated
   * for the time of the call.
   *
   * @param logits [rows, vocab]
   * @param batch N rows: all rows, or those it lists
   * @param out [N] each; 0 for a row whose two weights are 0
   * @param gradient of the logits' shape and dtype: the same memory (in place) or disjoint; with
   *     {@link PolicyLossConfig#accumulateGradient} disjoint, and rows without a gradient stay as
   *     they are
   * @throws IllegalArgumentException if an argument is null, closed, overlapping or of the wrong
   *     shape; nothing was written then
   * @throws KernelException if rows are bad and {@link PolicyLossConfig#zeroBadRows} is off; the
   *     gradient of such rows is 0, their outputs are NaN, the other rows are right
   */
  public static PolicyLossMetrics compute(
      Logits logits,
      PolicyBatch batch,
      PolicyLossConfig config,
      RowStatistics out,
      Logits gradient) {
    Kernels.ready();
    LogitRows rows = batch.rows(config);
    long n = rows.check(logits, true);
    batch.check(n, config);
    out.check(n);
    NativeCalls.checkGradient(logits, gradient, config.accumulateGradient());
    boolean twoVisits = config.ratioLevel() != RatioLevel.TOKEN;
    try (@Nullable RowStates states = twoVisits ? RowStates.allocate(n) : null;
        @Nullable RowSlopes slopes = twoVisits ? RowSlopes.allocate(n) : null;
        CallMemory<NativePolicyLossArgs, NativePolicyMetrics> memory = MEMORY.take()) {
      ByteBuffer in = memory.in;
      logits.describeTo(in, Struct.PolicyLossArgs.LOGITS);
      gradient.describeTo(in, Struct.PolicyLossArgs.GRADIENT);
      rows.describeTo(in, Struct.PolicyLossArgs.ROWS, n);
      batch.describeTo(in, Struct.PolicyLossArgs.BATCH);
      out.describeTo(in, Struct.PolicyLossArgs.OUT);
      config.describeTo(in, Struct.PolicyLossArgs.CONFIG);
      Struct.put(in, Struct.PolicyLossArgs.STATES, states == null ? null : states.memory());
      Struct.put(in, Struct.PolicyLossArgs.SLOPES, slopes == null ? null : slopes.memory());
      in.putInt(Struct.PolicyLossArgs.FLAGS, config.flags());
      int status = Native.grpo4j_policy_loss(memory.args, memory.result);
      NativeCalls.check(status, memory.out, Struct.Metrics.REPORT, n);
      return PolicyLossMetrics.of(memory.out);
    } finally {
      Reference.reachabilityFence(logits);
      Reference.reachabilityFence(batch);
      Reference.reachabilityFence(out);
      Reference.reachabilityFence(gradient);
    }
  }
}
