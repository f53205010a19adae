package org.grpo4j.kernels;

import java.nio.ByteBuffer;

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

  static PolicyLossMetrics of(ByteBuffer m) {
    return new PolicyLossMetrics(
        m.getDouble(Struct.Metrics.LOSS),
        m.getDouble(Struct.Metrics.POLICY_LOSS),
        m.getDouble(Struct.Metrics.KL),
        m.getDouble(Struct.Metrics.ENTROPY),
        m.getDouble(Struct.Metrics.APPROX_KL),
        m.getLong(Struct.Metrics.UNITS),
        m.getDouble(Struct.Metrics.RATIO_MIN),
        m.getDouble(Struct.Metrics.RATIO_MAX),
        m.getDouble(Struct.Metrics.RATIO_MEAN),
        m.getDouble(Struct.Metrics.FACTOR_MEAN),
        m.getLong(Struct.Metrics.CLIP_LOW_COUNT),
        m.getLong(Struct.Metrics.CLIP_HIGH_COUNT),
        m.getLong(Struct.Metrics.DUAL_CLIP_COUNT),
        m.getLong(Struct.Metrics.ACTIVE_ROWS),
        m.getLong(Struct.Metrics.REPORT + Struct.Report.BAD_ROWS),
        m.getLong(Struct.Metrics.REPORT + Struct.Report.FIRST_BAD_ROW),
        NativeCalls.isa(m, Struct.Metrics.REPORT));
  }
}
