package org.grpo4j.trainer.statistics;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StatisticsTest {
  @Test
  void theIntervalOfAMean() {
    // t(0.975, 4) = 2.776; sd of 1..5 is 1.5811.
    Interval interval = Interval.ofMean(1, 2, 3, 4, 5);
    assertEquals(3, interval.value());
    assertEquals(2.7764451 * Math.sqrt(2.5 / 5), interval.high() - 3, 1e-6);
    assertEquals(3 - interval.low(), interval.high() - 3, 1e-12);
    assertTrue(Double.isNaN(Interval.ofMean(7).low()));
    assertEquals("7.000", Interval.ofMean(7).toString());
    assertEquals("1.000 [1.000, 1.000]", Interval.ofMean(1, 1).toString());
  }

  @Test
  void pairedDifferences() {
    double[] treatment = {3, 4, 5, 6, 1.5};
    double[] control = {2, 2, 2, 2, 2};
    PairedTest test = PairedTest.of(treatment, control);
    // Differences 1 2 3 4 -0.5: t on 4 degrees of freedom has a closed form.
    double t = 1.9 / Math.sqrt(12.2 / 4 / 5);
    double x = t / Math.sqrt(t * t + 4);
    assertEquals(1.9, test.difference().value(), 1e-12);
    assertEquals(1 - 1.5 * (x - x * x * x / 3), test.tTest(), 1e-9);
    // The smallest difference alone is negative: rank sums 0 and 1, 2 of 32 signs, two sides.
    assertEquals(0.125, test.signedRank(), 1e-9);
    assertEquals(1, PairedTest.of(control, control).tTest());
    assertTrue(Double.isNaN(PairedTest.of(new double[] {1}, new double[] {2}).tTest()));
    PairedTest unmeasured = PairedTest.of(new double[] {1, Double.NaN, 3}, new double[] {1, 2, 2});
    assertTrue(Double.isNaN(unmeasured.tTest()) && Double.isNaN(unmeasured.signedRank()));
    assertThrows(IllegalArgumentException.class, () -> PairedTest.of(new double[2], new double[3]));
  }

  @Test
  void holmsAdjustment() {
    assertArrayEquals(
        new double[] {0.03, Double.NaN, 0.06, 0.06, 1},
        PairedTest.holm(0.0075, Double.NaN, 0.02, 0.03, 1),
        1e-12);
    assertArrayEquals(new double[] {0.5}, PairedTest.holm(0.5));
  }

  /** The interval of a ratio should hold the true one in about 95 of 100 experiments. */
  @Test
  void theBootstrapCovers() {
    Random random = new Random(5);
    int held = 0;
    for (int experiment = 0; experiment < 200; experiment++) {
      double[] over = new double[30];
      double[] under = new double[30];
      Arrays.setAll(under, i -> -Math.log(1 - random.nextDouble()));
      Arrays.setAll(over, i -> 2 * under[i] * (0.5 + random.nextDouble()));
      Interval interval = Interval.ofRatio(over, under, experiment);
      held += interval.low() <= 2 && 2 <= interval.high() ? 1 : 0;
    }
    // 190 expected, standard deviation 3; percentiles of 30 pairs are a little narrow.
    assertTrue(held >= 175 && held < 200, held + " of 200");
  }
}
