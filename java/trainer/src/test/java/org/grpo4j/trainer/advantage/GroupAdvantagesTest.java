package org.grpo4j.trainer.advantage;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.grpo4j.kernels.GroupAdvantages;
import org.junit.jupiter.api.Test;

/** The kernels' advantages against this package's, on random batches. */
class GroupAdvantagesTest {
  private static final int BATCHES = 40;
  private final Random random = new Random(20261126);

  @Test
  void theKernelsGiveTheSameAdvantages() {
    for (int b = 0; b < BATCHES; b++) {
      boolean passk = b % 2 == 0;
      long[] offsets = new long[1 + random.nextInt(9)];
      for (int k = 1; k < offsets.length; k++) {
        offsets[k] = offsets[k - 1] + (passk ? 2 : 1) + random.nextInt(70);
      }
      Batch batch = batch(offsets);
      for (AdvantageEstimator estimator : AdvantageEstimator.values()) {
        for (ScaleRewards scale : ScaleRewards.values()) {
          if (passk || estimator != AdvantageEstimator.GRPO_PASSK) {
            assertSame(batch, estimator, scale);
          }
        }
      }
    }
  }

  /** Rewards as floats, so that both sides see the same numbers. */
  @SuppressWarnings("ArrayRecordComponent")
  private record Batch(long[] offsets, AdvantageInput input) {}

  private Batch batch(long[] offsets) {
    int n = (int) offsets[offsets.length - 1];
    double[] rewards = new double[n];
    long[] groups = new long[n];
    int[] lengths = new int[n];
    for (int k = 1; k < offsets.length; k++) {
      boolean spread = random.nextInt(5) != 0;
      for (int i = (int) offsets[k - 1]; i < offsets[k]; i++) {
        rewards[i] = spread ? (float) (3 + random.nextInt(4) + 0.1 * random.nextInt(3)) : 4;
        groups[i] = k;
        lengths[i] = random.nextInt(4) == 0 ? 0 : random.nextInt(3000);
      }
    }
    return new Batch(offsets, AdvantageInput.of(rewards, groups, lengths));
  }

  private static void assertSame(Batch batch, AdvantageEstimator estimator, ScaleRewards scale) {
    AdvantageInput given = batch.input();
    int n = given.rewards().length;
    double[] expected =
        estimator.compute(
            new AdvantageInput(
                given.rewards(), given.groupIds(), given.lengths(), given.epsilon(), scale));
    GroupAdvantages kernel =
        new GroupAdvantages(
            GroupAdvantages.Estimator.valueOf(estimator.name()),
            GroupAdvantages.Scale.valueOf(scale.name()),
            given.epsilon());
    try (LongPointer offsets = new LongPointer(batch.offsets());
        FloatPointer rewards = new FloatPointer(n);
        IntPointer lengths = new IntPointer(given.lengths());
        FloatPointer out = new FloatPointer(n)) {
      for (int i = 0; i < n; i++) {
        rewards.put(i, (float) given.rewards()[i]);
      }
      kernel.compute(offsets, rewards, lengths, out);
      for (int i = 0; i < n; i++) {
        // One rounding to float, another before the whitening.
        double tolerance = 3e-7 * (1 + Math.abs(expected[i]));
        assertEquals(expected[i], out.get(i), tolerance, kernel + " of completion " + i);
      }
    }
  }
}
