package org.grpo4j.trainer.advantage;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.grpo4j.torch.InputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class AdvantageEstimatorTest {

  @ParameterizedTest
  @EnumSource(AdvantageEstimator.class)
  void equalRewardsGiveExactlyZero(AdvantageEstimator estimator) {
    // 0.1 is no binary fraction: a naive mean of three leaves 1e-17, which 1/(σ + ε) blows up.
    double[] rewards = {0.1, 0.1, 0.1};
    AdvantageInput in = AdvantageInput.of(rewards, new long[] {7, 7, 7}, new int[] {3, 1, 2});
    assertArrayEquals(new double[3], estimator.compute(in));
  }

  @ParameterizedTest
  @EnumSource(AdvantageEstimator.class)
  void theOrderOfTheBatchDoesNotMatter(AdvantageEstimator estimator) {
    double[] rewards = {1, 2, 4, -1, 0.5, 3};
    long[] groups = {5, 9, 5, 9, 5, 9};
    int[] lengths = {3, 1, 4, 1, 5, 9};
    double[] expected = estimator.compute(AdvantageInput.of(rewards, groups, lengths));
    int[] order = {4, 2, 5, 0, 3, 1};
    double[] got =
        estimator.compute(
            AdvantageInput.of(
                Arrays.stream(order).mapToDouble(i -> rewards[i]).toArray(),
                Arrays.stream(order).mapToLong(i -> groups[i]).toArray(),
                Arrays.stream(order).map(i -> lengths[i]).toArray()));
    assertArrayEquals(Arrays.stream(order).mapToDouble(i -> expected[i]).toArray(), got, 1e-12);
  }

  @Test
  void grpoDividesByGroupBatchOrNothing() {
    double[] rewards = {0, 2, 10, 14};
    long[] groups = {0, 0, 1, 1};
    assertArrayEquals(
        new double[] {-1 / Math.sqrt(2), 1 / Math.sqrt(2), -1 / Math.sqrt(2), 1 / Math.sqrt(2)},
        grpo(rewards, groups, ScaleRewards.GROUP),
        1e-12);
    assertArrayEquals(new double[] {-1, 1, -2, 2}, grpo(rewards, groups, ScaleRewards.NONE), 1e-12);
    double batch = Math.sqrt((42.25 + 20.25 + 12.25 + 56.25) / 3);
    assertArrayEquals(
        new double[] {-1 / batch, 1 / batch, -2 / batch, 2 / batch},
        grpo(rewards, groups, ScaleRewards.BATCH),
        1e-12);
  }

  @Test
  void opoWeighsTheBaselineByLength() {
    AdvantageInput in =
        AdvantageInput.of(new double[] {1, 4}, new long[] {0, 0}, new int[] {30, 10});
    assertArrayEquals(new double[] {1 - 1.75, 4 - 1.75}, AdvantageEstimator.OPO.compute(in), 1e-12);
    AdvantageInput empty =
        AdvantageInput.of(new double[] {1, 4}, new long[] {0, 0}, new int[] {0, 0});
    assertArrayEquals(new double[] {-1.5, 1.5}, AdvantageEstimator.OPO.compute(empty), 1e-12);
  }

  @Test
  void whiteningGivesMeanZeroAndVarianceOneOverTokens() {
    Random random = new Random(3);
    double[] rewards = random.doubles(40, -3, 4).toArray();
    long[] groups = new long[40];
    Arrays.setAll(groups, i -> i / 8);
    int[] lengths = random.ints(40, 0, 30).toArray();
    double[] got =
        AdvantageEstimator.REINFORCE_PLUS_PLUS_BASELINE.compute(
            AdvantageInput.of(rewards, groups, lengths));
    double sum = 0;
    double squares = 0;
    int tokens = Arrays.stream(lengths).sum();
    for (int i = 0; i < got.length; i++) {
      sum += lengths[i] * got[i];
      squares += lengths[i] * got[i] * got[i];
    }
    assertEquals(0, sum / tokens, 1e-10);
    assertEquals(1, squares / (tokens - 1), 1e-6);
  }

  /** verl's mean is Σx/(n + 1e-8): what is left of 1000 is divided by 1e-4. */
  @Test
  void equalValuesAreWhitenedAsInVerl() {
    double[] got =
        AdvantageEstimator.REINFORCE_PLUS_PLUS_BASELINE.compute(
            AdvantageInput.of(new double[] {1000, 1000}, new long[] {1, 2}, new int[] {3, 7}));
    assertArrayEquals(new double[] {0.01, 0.01}, got, 1e-6);
  }

  @Test
  void passAtKNeedsTwo() {
    AdvantageInput one = AdvantageInput.of(new double[] {1}, new long[] {0}, new int[] {1});
    assertThrows(InputException.class, () -> AdvantageEstimator.GRPO_PASSK.compute(one));
  }

  @Test
  void groupsWithoutSpreadAreFound() {
    double[] rewards = {0.1, 1, 0.1, 2, 0.1, 5};
    long[] groups = {1, 2, 1, 2, 1, 3};
    assertTrue(
        Arrays.equals(
            new boolean[] {true, false, true, false, true, true},
            Groups.zeroSpread(rewards, groups)));
    assertEquals(4 / 6.0, Groups.zeroSpreadFraction(rewards, groups));
    assertEquals(0, Groups.zeroSpreadFraction(new double[0], new long[0]));
  }

  @Test
  void namesOfAConfiguration() {
    assertEquals(AdvantageEstimator.DR_GRPO, AdvantageEstimator.named("dr_grpo"));
    assertThrows(InputException.class, () -> AdvantageEstimator.named("gae"));
  }

  @Test
  void lengthsMustMatch() {
    assertThrows(
        IllegalArgumentException.class,
        () -> AdvantageInput.of(new double[2], new long[2], new int[1]));
  }

  private static double[] grpo(double[] rewards, long[] groups, ScaleRewards scale) {
    int[] lengths = new int[rewards.length];
    return AdvantageEstimator.GRPO.compute(new AdvantageInput(rewards, groups, lengths, 0, scale));
  }
}
