package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.grpo4j.kernels.GroupAdvantages.Estimator;
import org.grpo4j.kernels.GroupAdvantages.Scale;
import org.junit.jupiter.api.Test;

/** Values by hand; the trainer compares larger batches with its own formulas. */
class GroupAdvantagesTest {
  /** A group of three, one of one, one without completions, one of two without spread. */
  private static final long[] OFFSETS = {0, 3, 4, 4, 6};

  private static final float[] REWARDS = {1, 2, 6, 5, 4, 4};
  private static final int[] LENGTHS = {10, 20, 30, 40, 0, 0};

  private static float[] compute(GroupAdvantages advantages) {
    try (LongPointer offsets = new LongPointer(OFFSETS);
        FloatPointer rewards = new FloatPointer(REWARDS);
        IntPointer lengths = new IntPointer(LENGTHS);
        FloatPointer out = new FloatPointer(REWARDS.length)) {
      advantages.compute(offsets, rewards, lengths, out);
      float[] values = new float[REWARDS.length];
      out.get(values);
      return values;
    }
  }

  private static void assertAdvantages(GroupAdvantages advantages, double... expected) {
    float[] floats = new float[expected.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) expected[i];
    }
    assertArrayEquals(floats, compute(advantages), 1e-6f, advantages.toString());
  }

  @Test
  void grpoByItsThreeScales() {
    double sigma = Math.sqrt(7); // of 1, 2, 6: (4 + 1 + 9) / 2
    GroupAdvantages group = new GroupAdvantages(Estimator.GRPO, Scale.GROUP, 1e-4);
    double d = sigma + 1e-4;
    assertAdvantages(group, -2 / d, -1 / d, 3 / d, 5 / (1 + 1e-4), 0, 0);
    // Of all six, mean 22/6.
    double batch = Math.sqrt((98 - 22 * 22 / 6.0) / 5) + 1e-4;
    assertAdvantages(
        new GroupAdvantages(Estimator.GRPO, Scale.BATCH, 1e-4),
        -2 / batch,
        -1 / batch,
        3 / batch,
        5 / batch,
        0,
        0);
    assertAdvantages(new GroupAdvantages(Estimator.GRPO, Scale.NONE, 1e-4), -2, -1, 3, 5, 0, 0);
  }

  @Test
  void baselines() {
    assertAdvantages(GroupAdvantages.of(Estimator.DR_GRPO), -2, -1, 3, 5, 0, 0);
    assertAdvantages(GroupAdvantages.of(Estimator.RLOO), -3, -1.5, 4.5, 5, 0, 0);
    double opo = (10 * 1 + 20 * 2 + 30 * 6) / 60.0;
    assertAdvantages(
        GroupAdvantages.of(Estimator.OPO), 1 - opo, 2 - opo, 6 - opo, 5, 0, 0); // 0 of 0 tokens
  }

  @Test
  void whiteningIsOverTrainedTokens() {
    double[] centred = {-2, -1, 3, 5, 0, 0};
    double mean = (10 * -2 + 20 * -1 + 30 * 3 + 40 * 5) / 100.0;
    double squares = 0;
    for (int i = 0; i < 4; i++) {
      squares += LENGTHS[i] * Math.pow(centred[i] - mean, 2);
    }
    double divisor = Math.sqrt(squares / 99 + 1e-8);
    double[] expected = new double[6];
    for (int i = 0; i < 6; i++) {
      expected[i] = (centred[i] - mean) / divisor;
    }
    assertAdvantages(GroupAdvantages.of(Estimator.REINFORCE_PLUS_PLUS_BASELINE), expected);
  }

  /** verl's mean is Σx/(n + 1e-8): what is left of 1000 is divided by 1e-4. */
  @Test
  void equalValuesAreWhitenedAsInVerl() {
    try (LongPointer offsets = new LongPointer(0, 1, 2);
        FloatPointer rewards = new FloatPointer(1000f, 1000f);
        IntPointer lengths = new IntPointer(3, 7);
        FloatPointer out = new FloatPointer(2)) {
      GroupAdvantages.of(Estimator.REINFORCE_PLUS_PLUS_BASELINE)
          .compute(offsets, rewards, lengths, out);
      assertEquals(0.01, out.get(0), 1e-6);
      assertEquals(0.01, out.get(1), 1e-6);
    }
  }

  @Test
  void passkRewardsTheFirstOfTheBest() {
    try (LongPointer offsets = new LongPointer(0, 3, 6);
        FloatPointer rewards = new FloatPointer(1f, 2f, 6f, 4f, 4f, 1f);
        FloatPointer out = new FloatPointer(6)) {
      new GroupAdvantages(Estimator.GRPO_PASSK, Scale.NONE, 0).compute(offsets, rewards, null, out);
      float[] values = new float[6];
      out.get(values);
      assertArrayEquals(new float[] {0, 0, 4, 0, 0, 0}, values);
    }
  }

  @Test
  void errorsNameTheArgument() {
    assertMessage("rewards[1] is NaN", Estimator.GRPO, new long[] {0, 2}, 0f, Float.NaN);
    assertMessage("groupOffsets goes from 0 to 3: want 0 to 2", Estimator.GRPO, new long[] {0, 3});
    assertMessage("lengths is null: estimator OPO needs [2]", Estimator.OPO, new long[] {0, 2});
    assertMessage("group 0 has 1 completion", Estimator.GRPO_PASSK, new long[] {0, 1, 2});
  }

  private static void assertMessage(
      String start, Estimator estimator, long[] offsets, float... given) {
    float[] rewards = given.length == 0 ? new float[] {1, 2} : given;
    try (FloatPointer out = new FloatPointer(7f, 7f)) {
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () ->
                      GroupAdvantages.of(estimator)
                          .compute(new LongPointer(offsets), new FloatPointer(rewards), null, out))
              .getMessage();
      assertTrue(String.valueOf(message).startsWith(start), message);
      assertEquals(7, out.get(0)); // nothing was written
    }
  }
}
