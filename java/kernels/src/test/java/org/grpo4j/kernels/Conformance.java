package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/**
 * Compares one call with the oracle.
 *
 * <p>Tolerances. The logits are exact in both, so what differs is f32 arithmetic on e^u (about 1
 * ulp, 2^-23), f32 block sums (a few ulp) and the rounding of the outputs: log-probs, entropy and
 * lse within 2e-6 absolute plus 4 ulp of the value. A gradient element within 8e-6 of the row's
 * largest slope times p (or 1 at the target), plus one rounding to the dtype.
 */
final class Conformance {
  private static final double STATISTIC = 2e-6;
  private static final double ULPS = 4 * 0x1p-24;
  private static final double SLOPE = 8e-6;

  private Conformance() {}

  static void statistic(double expected, double got, String what) {
    if (expected == got) {
      return; // covers infinities
    }
    assertEquals(expected, got, STATISTIC + ULPS * Math.abs(expected), what);
  }

  static void check(Fixture f, PolicyLossConfig config, Isa isa) {
    try (RowStatistics out = RowStatistics.allocate(f.rows)) {
      PolicyLossMetrics metrics =
          PolicyLoss.compute(f.logits(), f.batch(), config, out, f.gradient());
      assertEquals(isa, metrics.isa(), "the forced ISA ran");
      double loss = 0;
      double scale = 0;
      for (int i = 0; i < f.rows; i++) {
        Oracle.Row row = Oracle.row(f.z[i], (int) f.targets[i], config.temperature());
        statistics(row, out, i);
        // The objective sees the f32 log-prob and entropy that are returned.
        Oracle.Token token =
            Oracle.token(out.logProbs().get(i), out.entropy().get(i), f.inputs(i), config);
        gradient(f, i, row, token, config.temperature());
        loss += token.loss();
        scale += Math.abs(token.loss());
      }
      assertEquals(loss, metrics.loss(), 1e-12 * (1 + scale), "loss");
      assertEquals(f.rows, metrics.rows());
    }
  }

  static void statistics(Oracle.Row row, RowStatistics out, int i) {
    statistic(row.logProb(), out.logProbs().get(i), "logProb of row " + i);
    statistic(row.entropy(), out.entropy().get(i), "entropy of row " + i);
    if (out.lse() != null && out.sumSquares() != null) {
      statistic(row.lse(), out.lse().get(i), "lse of row " + i);
      statistic(row.sumSquares(), out.sumSquares().get(i), "sumSquares of row " + i);
    }
  }

  private static void gradient(
      Fixture f, int i, Oracle.Row row, Oracle.Token token, double temperature) {
    int target = (int) f.targets[i];
    double[] expected = Oracle.gradient(row, target, token, temperature);
    double[] got = f.gradientRow(i);
    DType dtype = f.layout.dtype();
    for (int v = 0; v < f.vocab; v++) {
      double p = v == target ? 1 : Math.exp(row.logP()[v]);
      double slopes =
          Math.abs(token.g()) + Math.abs(token.h()) * (Math.abs(row.logP()[v]) + row.entropy());
      double tolerance =
          (Double.isFinite(slopes) ? SLOPE * slopes * p / temperature : 0)
              + Elements.unitRoundoff(dtype) * 1.01 * Math.abs(expected[v])
              + Elements.smallestStep(dtype)
              + (Double.isFinite(slopes)
                  ? 0x1p-124 * (1 + slopes) / temperature
                  : 0); // e^u is 0 below 2^-126
      int element = v;
      assertTrue(
          Math.abs(expected[v] - got[v]) <= tolerance,
          () ->
              String.format(
                  "gradient of row %d, element %d: expected %s, got %s, tolerance %s",
                  i, element, expected[element], got[element], tolerance));
    }
  }
}
