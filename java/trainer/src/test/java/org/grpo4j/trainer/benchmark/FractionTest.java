package org.grpo4j.trainer.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

final class FractionTest {
  private static void assertFraction(double value, double low, double high, Fraction got) {
    assertEquals(value, got.value(), 5e-5);
    assertEquals(low, got.low(), 5e-5);
    assertEquals(high, got.high(), 5e-5);
  }

  /** Newcombe 1998, table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29. */
  @Test
  void wilsonsIntervalIsThatOfTheLiterature() {
    assertFraction(0.3080, 0.2553, 0.3662, Fraction.of(81, 263));
    assertFraction(0.1014, 0.0624, 0.1605, Fraction.of(15, 148));
    assertFraction(0, 0, 0.1611, Fraction.of(0, 20));
    assertFraction(0.0345, 0.0061, 0.1718, Fraction.of(1, 29));
  }

  @Test
  void theEndsStayWithinZeroAndOne() {
    assertEquals(1, Fraction.of(7, 7).high());
    assertEquals(0, Fraction.of(0, 1).low());
    assertThrows(IllegalArgumentException.class, () -> Fraction.of(0, 0));
    assertThrows(IllegalArgumentException.class, () -> Fraction.of(3, 2));
  }

  @Test
  void aMeanWeighsItsPartsAlike() {
    Fraction small = Fraction.of(1, 2);
    Fraction large = Fraction.of(900, 1000);
    Fraction mean = Fraction.mean(List.of(small, large));
    assertEquals(0.7, mean.value(), 1e-12);
    assertEquals(1002, mean.n());
    double below = Math.hypot(0.5 - small.low(), 0.9 - large.low()) / 2;
    assertEquals(0.7 - below, mean.low(), 1e-12);
    // Of one part, its own interval.
    assertEquals(small, Fraction.mean(List.of(small)));
    assertTrue(mean.high() < 1);
  }
}
