package org.grpo4j.kernels;

import org.grpo4j.kernels.internal.NativePolicyMetrics;
import org.grpo4j.kernels.internal.NativeReport;

/**
 * What one call found, over its active rows: those with a weight that is not 0, bad rows excluded.
 * Sums are in double and in row order.
 *
 * @param loss policyLoss + Σ regularizerWeight·(klCoef·KL − entropyCoef·H)
 * @param policyLoss Σ policyWeight·ℓ
 * @param kl mean KL estimate over active rows; 0 without refLogProbs
 * @param entropy mean entropy over active rows, nats
 * @param approxKl mean of oldLogProb − logProb over active rows; 0 without oldLogProbs
 * @param units what has a ratio of its own: rows, or sequences with an active row where the ratio
 *     is the sequence's. The counts of clips and the statistics of the ratio are over units
 * @param ratioMin smallest ratio; 1 when no row is active
 * @param ratioMax largest ratio; 1 when no row is active
 * @param ratioMean mean ratio; 1 when no row is active
 * @param factorMean mean of what multiplies A: the ratio after its bound, VESPO's φ; 1 when no row
 *     is active
 * @param clipLowCount units with A &lt; 0 and ratio &lt; 1 − clipLow
 * @param clipHighCount units with A &gt; 0 and ratio &gt; 1 + clipHigh (CISPO: above its bound)
 * @param dualClipCount units where the dual clip binds
 * @param rows active rows
 * @param badRows rows that could not be computed; not 0 only with zeroBadRows
 * @param firstBadRow position of the first of them, −1 when there is none
 * @param isa the instruction set that ran
 */
public record PolicyLossMetrics(
    double loss,
    double policyLoss,
    double kl,
    double entropy,
    double approxKl,
    long units,
    double ratioMin,
    double ratioMax,
    double ratioMean,
    double factorMean,
    long clipLowCount,
    long clipHighCount,
    long dualClipCount,
    long rows,
    long badRows,
    long firstBadRow,
    Isa isa) {

  static PolicyLossMetrics of(NativePolicyMetrics m) {
    NativeReport report = m.report();
    return new PolicyLossMetrics(
        m.loss(),
        m.policy_loss(),
        m.kl(),
        m.entropy(),
        m.approx_kl(),
        m.units(),
        m.ratio_min(),
        m.ratio_max(),
        m.ratio_mean(),
        m.factor_mean(),
        m.clip_low_count(),
        m.clip_high_count(),
        m.dual_clip_count(),
        m.active_rows(),
        report.bad_rows(),
        report.first_bad_row(),
        Isa.of(report.isa()));
  }
}
