package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

/** The metrics of one call, from the tokens' terms and the outputs that were returned. */
final class MetricsOracle {
  /** Of sums in double, in another order. */
  private static final double ROUNDING = 1e-12;

  private long rows;
  private double loss;
  private double scale;
  private double policyLoss;
  private double kl;
  private double entropy;
  private double approxKl;
  private long units;
  private double ratioMin = Double.POSITIVE_INFINITY;
  private double ratioMax = Double.NEGATIVE_INFINITY;
  private double ratioSum;
  private double factorSum;
  private long clipLow;
  private long clipHigh;
  private long dualClip;

  private MetricsOracle() {}

  /** Every metric of a call without bad rows. */
  static void compare(
      Fixture f,
      PolicyLossConfig config,
      Oracle.Token[] tokens,
      RowStatistics out,
      PolicyLossMetrics got) {
    MetricsOracle want = new MetricsOracle();
    long[] offsets = config.ratioLevel() == RatioLevel.TOKEN ? null : f.sequenceOffsets;
    int sequence = 0;
    int lastUnit = -1;
    for (int i = 0; i < f.rows; i++) {
      if (f.masked(i)) {
        continue;
      }
      want.addRow(tokens[i], out.entropy().get(i));
      want.kl += f.withoutReference ? 0 : tokens[i].metrics().kl();
      want.approxKl += f.onPolicy ? 0 : (double) f.old[i] - out.logProbs().get(i);
      while (offsets != null && offsets[sequence + 1] <= i) {
        sequence++;
      }
      int unit = offsets == null ? i : sequence;
      if (unit != lastUnit) {
        want.addUnit(tokens[i].metrics());
        lastUnit = unit;
      }
    }
    want.compare(got);
  }

  private void addRow(Oracle.Token token, double rowEntropy) {
    rows++;
    loss += token.loss();
    scale += Math.abs(token.loss());
    policyLoss += token.metrics().policyLoss();
    entropy += rowEntropy;
  }

  private void addUnit(Oracle.Metrics unit) {
    units++;
    ratioMin = Math.min(ratioMin, unit.ratio());
    ratioMax = Math.max(ratioMax, unit.ratio());
    ratioSum += unit.ratio();
    factorSum += unit.factor();
    clipLow += unit.clip().low() ? 1 : 0;
    clipHigh += unit.clip().high() ? 1 : 0;
    dualClip += unit.clip().dual() ? 1 : 0;
  }

  private void compare(PolicyLossMetrics got) {
    assertEquals(rows, got.rows(), "rows");
    assertEquals(units, got.units(), "units");
    assertEquals(loss, got.loss(), ROUNDING * (1 + scale), "loss");
    assertEquals(policyLoss, got.policyLoss(), ROUNDING * (1 + scale), "policyLoss");
    near(kl / Math.max(1, rows), got.kl(), "kl");
    near(entropy / Math.max(1, rows), got.entropy(), "entropy");
    near(approxKl / Math.max(1, rows), got.approxKl(), "approxKl");
    near(units == 0 ? 1 : ratioMin, got.ratioMin(), "ratioMin");
    near(units == 0 ? 1 : ratioMax, got.ratioMax(), "ratioMax");
    near(units == 0 ? 1 : ratioSum / units, got.ratioMean(), "ratioMean");
    near(units == 0 ? 1 : factorSum / units, got.factorMean(), "factorMean");
    assertEquals(clipLow, got.clipLowCount(), "clipLowCount");
    assertEquals(clipHigh, got.clipHighCount(), "clipHighCount");
    assertEquals(dualClip, got.dualClipCount(), "dualClipCount");
    assertEquals(0, got.badRows(), "badRows");
    assertEquals(-1, got.firstBadRow(), "firstBadRow");
  }

  private static void near(double want, double got, String what) {
    if (want != got) { // covers infinities
      assertEquals(want, got, ROUNDING * (1 + Math.abs(want)), what);
    }
  }
}
