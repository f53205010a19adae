package org.grpo4j.trainer.benchmark;

/**
 * Right answers of a group.
 *
 * @param right how many were right
 * @param n how many were given
 */
public record Tally(int right, int n) {
  /** Both together. */
  public Tally plus(Tally other) {
    return new Tally(right + other.right, n + other.n);
  }

  /** As a fraction; n is at least 1. */
  public Fraction fraction() {
    return Fraction.of(right, n);
  }
}
