package org.grpo4j.trainer.statistics;

import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * An estimate with its 95% interval.
 *
 * @param value the estimate
 * @param low lower end; NaN where one number says nothing about its spread
 * @param high upper end
 */
public record Interval(double value, double low, double high) {
  private static final double TAIL = 0.025;

  /** Resamples of the bootstrap: the ends' own error is then about a hundredth of the width. */
  private static final int RESAMPLES = 4000;

  /** The mean of independent numbers, by Student's t. */
  public static Interval ofMean(double... values) {
    int n = values.length;
    double mean = DoubleStream.of(values).average().orElse(Double.NaN);
    if (n < 2) {
      return new Interval(mean, Double.NaN, Double.NaN);
    }
    double squares = DoubleStream.of(values).map(v -> (v - mean) * (v - mean)).sum();
    double error = Math.sqrt(squares / (n - 1) / n);
    double half = -TDistribution.of(n - 1).inverseCumulativeProbability(TAIL) * error;
    return new Interval(mean, mean - half, mean + half);
  }

  /**
   * The ratio of two sums over the same independent pairs, by the percentiles of a bootstrap over
   * the pairs.
   *
   * @param numerators [n]
   * @param denominators [n]
   * @param seed of the resampling
   */
  public static Interval ofRatio(double[] numerators, double[] denominators, long seed) {
    int n = numerators.length;
    if (denominators.length != n) {
      throw new IllegalArgumentException(
          "denominators have " + denominators.length + " values, numerators " + n);
    }
    return bootstrap(n, at -> sum(numerators, at) / sum(denominators, at), seed);
  }

  /**
   * Any statistic of n independent observations, by the percentiles of a bootstrap over them.
   *
   * @param statistic from the indices of the observations that count, repeated ones included
   * @param seed of the resampling
   */
  public static Interval bootstrap(int n, ToDoubleFunction<int[]> statistic, long seed) {
    int[] all = IntStream.range(0, n).toArray();
    double value = statistic.applyAsDouble(all);
    if (n < 2) {
      return new Interval(value, Double.NaN, Double.NaN);
    }
    SplittableRandom random = new SplittableRandom(seed);
    double[] values = new double[RESAMPLES];
    Arrays.setAll(values, r -> statistic.applyAsDouble(random.ints(n, 0, n).toArray()));
    Arrays.sort(values);
    return new Interval(
        value,
        values[(int) (TAIL * RESAMPLES)],
        values[(int) Math.ceil((1 - TAIL) * RESAMPLES) - 1]);
  }

  private static double sum(double[] values, int[] at) {
    double sum = 0;
    for (int i : at) {
      sum += values[i];
    }
    return sum;
  }

  /** As "0.331 [0.312, 0.350]". */
  @Override
  public String toString() {
    return Double.isNaN(low)
        ? number(value)
        : "%s [%s, %s]".formatted(number(value), number(low), number(high));
  }

  private static String number(double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, "%.3f", value) : "–";
  }
}
