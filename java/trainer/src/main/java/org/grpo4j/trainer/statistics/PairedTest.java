package org.grpo4j.trainer.statistics;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;
import org.apache.commons.statistics.inference.TTest;
import org.apache.commons.statistics.inference.WilcoxonSignedRankTest;

/**
 * Two treatments of the same subjects (seeds), compared subject by subject.
 *
 * @param difference mean of treatment − control
 * @param tTest two-sided p of the paired t test; NaN with fewer than two pairs, or where one was
 *     not measured
 * @param signedRank two-sided p of Wilcoxon's signed ranks, which needs no normal distribution;
 *     with five pairs it is at least 0.0625
 */
public record PairedTest(Interval difference, double tTest, double signedRank) {

  /**
   * Compares pair by pair.
   *
   * @param treatment [n]
   * @param control [n] the same subjects
   */
  public static PairedTest of(double[] treatment, double[] control) {
    int n = treatment.length;
    if (control.length != n) {
      throw new IllegalArgumentException(
          "control has " + control.length + " values, treatment " + n);
    }
    double[] differences = new double[n];
    Arrays.setAll(differences, i -> treatment[i] - control[i]);
    Interval interval = Interval.ofMean(differences);
    if (n < 2 || !Arrays.stream(differences).allMatch(Double::isFinite)) {
      return new PairedTest(interval, Double.NaN, Double.NaN);
    }
    if (Arrays.stream(differences).allMatch(d -> d == 0)) {
      return new PairedTest(interval, 1, 1);
    }
    boolean constant = Arrays.stream(differences).allMatch(d -> d == differences[0]);
    return new PairedTest(
        interval,
        constant ? 0 : TTest.withDefaults().pairedTest(treatment, control).getPValue(),
        WilcoxonSignedRankTest.withDefaults().test(treatment, control).getPValue());
  }

  /**
   * Holm's adjustment for several tests at once: no conclusion at 5% is wrong with a probability of
   * more than 5%, whichever hypotheses hold.
   *
   * @param p [n] NaN where there was no test
   * @return [n] adjusted
   */
  public static double[] holm(double... p) {
    int[] order =
        IntStream.range(0, p.length)
            .filter(i -> !Double.isNaN(p[i]))
            .boxed()
            .sorted(Comparator.comparingDouble(i -> p[i]))
            .mapToInt(Integer::intValue)
            .toArray();
    double[] adjusted = new double[p.length];
    Arrays.fill(adjusted, Double.NaN);
    double largest = 0;
    for (int rank = 0; rank < order.length; rank++) {
      largest = Math.max(largest, Math.min(1, p[order[rank]] * (order.length - rank)));
      adjusted[order[rank]] = largest;
    }
    return adjusted;
  }
}
