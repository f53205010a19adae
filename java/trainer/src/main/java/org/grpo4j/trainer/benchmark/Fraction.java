package org.grpo4j.trainer.benchmark;

import java.util.List;

/**
 * A fraction of right answers with its 95% interval.
 *
 * @param value between 0 and 1
 * @param low lower end of the interval
 * @param high upper end of the interval
 * @param n answers it was counted over
 */
public record Fraction(double value, double low, double high, int n) {
  /** The normal distribution's 97.5% quantile. */
  private static final double Z = 1.959963984540054;

  /**
   * Right answers out of all, with Wilson's interval, which holds for few answers and for fractions
   * near 0 and 1 too (Wilson 1927).
   *
   * @param right how many were right, at most n
   * @param n at least 1
   */
  public static Fraction of(int right, int n) {
    if (n < 1 || right < 0 || right > n) {
      throw new IllegalArgumentException(
          "right: want 0 to n and n at least 1, got %d of %d".formatted(right, n));
    }
    double p = (double) right / n;
    double z2 = Z * Z / n;
    double centre = (p + z2 / 2) / (1 + z2);
    double half = Z * Math.sqrt(p * (1 - p) / n + z2 / (4 * n)) / (1 + z2);
    return new Fraction(p, right == 0 ? 0 : centre - half, right == n ? 1 : centre + half, n);
  }

  /**
   * The plain mean of independent fractions. Its interval is put together from theirs (Zou and
   * Donner 2008, MOVER): the distances from value to end add up as squares.
   */
  public static Fraction mean(List<Fraction> parts) {
    double value = 0;
    double below = 0;
    double above = 0;
    int n = 0;
    for (Fraction part : parts) {
      value += part.value / parts.size();
      below += Math.pow((part.value - part.low) / parts.size(), 2);
      above += Math.pow((part.high - part.value) / parts.size(), 2);
      n += part.n;
    }
    return new Fraction(value, value - Math.sqrt(below), value + Math.sqrt(above), n);
  }
}
