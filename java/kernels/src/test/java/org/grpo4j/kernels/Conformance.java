package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;

/**
 * Compares one call with the oracle.
 *
 * <p>Tolerances. The logits are exact in both, so what differs is f32 arithmetic on e^u (about 1
 * ulp, 2^-23), f32 block sums (a few ulp) and the rounding of the outputs: log-probs, entropy and
 * lse within 2e-6 absolute plus 4 ulp of the value. A gradient element within 8e-6 of the row's
 * largest slope times p (or 1 at the target), plus one rounding to the dtype.
 *
 * <p>The CUDA kernels take e^u as 2^(u·log2 e) with an argument of up to 127 in f32, whose rounding
 * is worth 5e-6 of the result, in the sum, where chunks of a row are merged, and in the gradient:
 * twice the tolerance there.
 */
final class Conformance {
  private static final double STATISTIC = 2e-6;
  private static final double ULPS = 4 * 0x1p-24;
  private static final double SLOPE = 8e-6;
  private static final double SLOPE_BY_EX2 = 16e-6;

  private Conformance() {}

  /**
   * By how much two ways to the same gradient element may differ, relative to it: one computes e^u
   * with its factor, the other scales an e^u that may have counted from a smaller maximum. The
   * roundings to the dtype; of f32 some ten each in the scalar code, which rounds products and sums
   * apart; and that of e^u's argument, 2^-24 |u|, for rows whose |u| stays below 20.
   */
  static double betweenTwoWays(DType dtype) {
    return 2.1 * Elements.unitRoundoff(dtype) + 40 * 0x1p-24;
  }

  /** What the logits went through, and what that may cost. */
  private record Scale(double temperature, double softCap, double capError, double slopeError) {}

  static void statistic(double expected, double got, String what) {
    statistic(expected, got, 0, what);
  }

  private static void statistic(double expected, double got, double more, String what) {
    if (expected == got) {
      return; // covers infinities
    }
    assertEquals(expected, got, more + STATISTIC + ULPS * Math.abs(expected), what);
  }

  static void check(Fixture f, PolicyLossConfig config, Isa isa) {
    try (RowStatistics out = RowStatistics.allocate(f.rows)) {
      PolicyLossMetrics metrics =
          PolicyLoss.compute(f.logits(), f.batch(), config, out, f.gradient());
      assertEquals(isa, metrics.isa(), "the forced ISA ran");
      compare(f, config, out, metrics);
    }
  }

  /** Outputs, gradient and loss of the fixture's rows, those of weight 0 included. */
  static void compare(
      Fixture f, PolicyLossConfig config, RowStatistics out, PolicyLossMetrics metrics) {
    Oracle.Token[] tokens = tokens(f, config, out);
    for (int i = 0; i < f.rows; i++) {
      if (f.masked(i)) {
        assertEquals(0f, out.logProbs().get(i), "masked row " + i);
        assertArrayEquals(new double[f.vocab], f.gradientRow(i), "masked row " + i);
        continue;
      }
      double temperature = f.temperature(i, config);
      Oracle.Row row =
          Oracle.row(Oracle.capped(f.z[i], config.softCap()), (int) f.targets[i], temperature);
      // tanh is good to 1e-7 of the cap.
      double capError = 2.4e-7 * config.softCap() / temperature;
      statistics(row, out, i, capError);
      double slopeError = metrics.isa().backend() == Backend.CPU ? SLOPE : SLOPE_BY_EX2;
      gradient(
          f, i, row, tokens[i], new Scale(temperature, config.softCap(), capError, slopeError));
    }
    MetricsOracle.compare(f, config, tokens, out, metrics);
  }

  /** Of the f32 log-probs and entropies that were returned: those the objective saw. */
  private static Oracle.Token[] tokens(Fixture f, PolicyLossConfig config, RowStatistics out) {
    Oracle.Token[] tokens = new Oracle.Token[f.rows];
    long[] offsets = f.sequenceOffsets;
    if (offsets == null) {
      offsets = new long[f.rows + 1];
      Arrays.setAll(offsets, i -> i);
    }
    for (int b = 0; b + 1 < offsets.length; b++) {
      int begin = (int) offsets[b];
      int length = (int) offsets[b + 1] - begin;
      double[] logProbs = new double[length];
      double[] entropies = new double[length];
      Oracle.Inputs[] inputs = new Oracle.Inputs[length];
      for (int t = 0; t < length; t++) {
        logProbs[t] = out.logProbs().get(begin + t);
        entropies[t] = out.entropy().get(begin + t);
        inputs[t] = f.inputs(begin + t);
      }
      Oracle.Token[] some = ObjectiveOracle.sequence(logProbs, entropies, inputs, config);
      System.arraycopy(some, 0, tokens, begin, length);
    }
    return tokens;
  }

  static void statistics(Oracle.Row row, RowStatistics out, int i) {
    statistics(row, out, i, 0);
  }

  private static void statistics(Oracle.Row row, RowStatistics out, int i, double more) {
    statistic(row.logProb(), out.logProbs().get(i), more, "logProb of row " + i);
    statistic(row.entropy(), out.entropy().get(i), more, "entropy of row " + i);
    if (out.lse() != null && out.sumSquares() != null) {
      statistic(row.lse(), out.lse().get(i), more, "lse of row " + i);
      statistic(row.sumSquares(), out.sumSquares().get(i), more, "sumSquares of row " + i);
    }
  }

  private static void gradient(Fixture f, int i, Oracle.Row row, Oracle.Token token, Scale scale) {
    int target = (int) f.targets[i];
    double temperature = scale.temperature();
    double[] expected = Oracle.gradient(row, target, token, temperature);
    for (int v = 0; v < f.vocab && scale.softCap() > 0; v++) {
      double y = Math.tanh(f.z[i][v] / scale.softCap());
      expected[v] *= 1 - y * y;
    }
    double[] got = f.gradientRow(i);
    DType dtype = f.layout.dtype();
    for (int v = 0; v < f.vocab; v++) {
      double p = v == target ? 1 : Math.exp(row.logP()[v]);
      double slopes =
          Math.abs(token.g()) + Math.abs(token.h()) * (Math.abs(row.logP()[v]) + row.entropy());
      double tolerance =
          (Double.isFinite(slopes)
                  ? (scale.slopeError() + scale.capError()) * slopes * p / temperature
                  : 0)
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
