package org.grpo4j.kernels;

import java.lang.ref.Reference;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativePolicyConfig;
import org.grpo4j.kernels.internal.NativePolicyLossArgs;
import org.grpo4j.kernels.internal.NativePolicyMetrics;

/** The policy loss and its gradient to the logits, in one visit of each row. */
public final class PolicyLoss {
  private PolicyLoss() {}

  /**
   * Computes loss, statistics and gradient.
   *
   * <p>dz_v = (1/T)·[g·(1[v = y] − p_v) − h·p_v·(log p_v + H)] with g = ∂loss/∂logProb and h =
   * ∂loss/∂H. Rows that the batch's rowIndices leave out are neither read nor written: in place,
   * they still hold logits afterwards.
   *
   * @param logits [rows, vocab]
   * @param batch N rows: all rows, or those it lists
   * @param out [N] each; 0 for a row whose two weights are 0
   * @param gradient of the logits' shape and dtype: the same memory (in place) or disjoint
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
    NativeCalls.checkRows(logits, batch.rowIndices(), true);
    long n = NativeCalls.rows(logits, batch.rowIndices());
    batch.check(n, config.klCoef());
    out.check(n);
    if (!logits.sameShape(gradient)) {
      throw Arguments.invalid(
          "gradient has shape %s: want that of the logits, %s",
          gradient.describe(), logits.describe());
    }
    if (!logits.sameOrDisjoint(gradient)) {
      throw Arguments.invalid(
          "gradient overlaps the logits: want the same memory and row stride, or none in common");
    }
    try (NativePolicyLossArgs args = new NativePolicyLossArgs();
        NativePolicyMetrics metrics = new NativePolicyMetrics()) {
      logits.describeTo(args.logits());
      gradient.describeTo(args.gradient());
      out.describeTo(args.out());
      describeTo(args.config(), config);
      NativeCalls.describeTo(
          args.rows(), n, batch.rowIndices(), batch.targets(), config.temperature());
      args.batch()
          .old_log_probs(batch.oldLogProbs())
          .ref_log_probs(batch.refLogProbs())
          .advantages(batch.advantages())
          .policy_weights(batch.policyWeights())
          .regularizer_weights(batch.regularizerWeights())
          .sequences(0)
          .sequence_offsets(null)
          .advantages_per_sequence(0);
      args.states(null).slopes(null).flags(config.zeroBadRows() ? Native.GRPO4J_ZERO_BAD_ROWS : 0);
      int status = Native.grpo4j_policy_loss(args, metrics);
      NativeCalls.check(status, metrics.report(), n);
      return PolicyLossMetrics.of(metrics);
    } finally {
      Reference.reachabilityFence(logits);
      Reference.reachabilityFence(batch);
      Reference.reachabilityFence(out);
      Reference.reachabilityFence(gradient);
    }
  }

  private static void describeTo(NativePolicyConfig to, PolicyLossConfig config) {
    to.objective(Native.GRPO4J_CLIP)
        .ratio_level(Native.GRPO4J_RATIO_TOKEN)
        .sapo_positive(1)
        .sapo_negative(1.05)
        .vespo_k_positive(2)
        .vespo_lambda_positive(3)
        .vespo_k_negative(3)
        .vespo_lambda_negative(2)
        .clip_low(config.clipLow())
        .clip_high(config.clipHigh())
        .dual_clip(config.dualClip())
        .delta(config.delta())
        .kl_coef(config.klCoef())
        .entropy_coef(config.entropyCoef())
        .kl_estimator(config.klEstimator().code())
        .kl_bias_corrected(config.klBiasCorrected() ? 1 : 0);
  }
}
