package org.grpo4j.trainer.selfcheck;

import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.grpo4j.kernels.GroupAdvantages;
import org.grpo4j.kernels.RegionWeights;
import org.grpo4j.trainer.advantage.AdvantageEstimator;
import org.grpo4j.trainer.advantage.AdvantageInput;
import org.grpo4j.trainer.advantage.ScaleRewards;
import org.jspecify.annotations.Nullable;

/** What belongs to completions and not to rows of logits: group_advantages and token_weights. */
final class CompletionChecks {
  private static final double EPSILON = 1e-4;

  /** Groups of different sizes; all rewards of the third are equal. */
  private static final long[] GROUPS = {0, 8, 10, 14, 38};

  private CompletionChecks() {}

  /** Against the trainer's own advantages, in double; null: nothing is wrong. */
  static @Nullable String wrongAdvantages(
      GroupAdvantages.Estimator estimator, GroupAdvantages.Scale scale) {
    int n = (int) GROUPS[GROUPS.length - 1];
    Random random = new Random(17);
    float[] rewards = new float[n];
    int[] lengths = new int[n];
    long[] groupIds = new long[n];
    for (int i = 0; i < n; i++) {
      int group = groupOf(i);
      groupIds[i] = group;
      rewards[i] = group == 2 ? 0.25f : (float) random.nextGaussian();
      lengths[i] = random.nextInt(50);
    }
    double[] wide = new double[n];
    Arrays.setAll(wide, i -> rewards[i]);
    double[] expected =
        AdvantageEstimator.named(estimator.name().toLowerCase(Locale.ROOT))
            .compute(
                new AdvantageInput(
                    wide, groupIds, lengths, EPSILON, ScaleRewards.valueOf(scale.name())));
    float[] got = new float[n];
    try (PointerScope scope = new PointerScope()) {
      FloatPointer out = new FloatPointer(n);
      new GroupAdvantages(estimator, scale, EPSILON)
          .compute(
              new LongPointer(GROUPS), new FloatPointer(rewards), new IntPointer(lengths), out);
      out.get(got);
    }
    return firstWrong("advantage", expected, got);
  }

  private static int groupOf(int completion) {
    int group = 0;
    while (completion >= GROUPS[group + 1]) {
      group++;
    }
    return group;
  }

  /** Against the definition, in double; null: nothing is wrong. */
  static @Nullable String wrongTokenWeights(RegionWeights.Order order) {
    long[] offsets = {0, 0, 40, 41, 300};
    int n = (int) offsets[offsets.length - 1];
    double[] regionWeights = {1.0, 1.2, 0.6, 0, 40, 0.0001};
    double[] bounds = {0.001, 8};
    Random random = new Random(5);
    byte[] regions = new byte[n];
    float[] mask = new float[n];
    for (int t = 0; t < n; t++) {
      regions[t] = (byte) random.nextInt(1 << regionWeights.length);
      mask[t] = random.nextInt(4) == 0 ? 0 : 1;
    }
    double[] expected = new double[n];
    for (int s = 0; s + 1 < offsets.length; s++) {
      int begin = (int) offsets[s];
      int end = (int) offsets[s + 1];
      for (int t = begin; t < end; t++) {
        double weight = mask[t] == 0 ? 0 : greatest(regions[t], regionWeights);
        boolean first = order == RegionWeights.Order.CLAMP_THEN_MEAN;
        expected[t] = weight > 0 && first ? clamp(weight, bounds) : weight;
      }
      double mean = meanOfPositive(expected, begin, end);
      for (int t = begin; t < end; t++) {
        if (expected[t] > 0) {
          double weight = expected[t] / mean;
          expected[t] =
              order == RegionWeights.Order.MEAN_THEN_CLAMP ? clamp(weight, bounds) : weight;
        }
      }
    }
    float[] got = new float[n];
    try (PointerScope scope = new PointerScope()) {
      FloatPointer out = new FloatPointer(n);
      new RegionWeights(Arrays.stream(regionWeights).boxed().toList(), bounds[0], bounds[1], order)
          .compute(new LongPointer(offsets), new BytePointer(regions), new FloatPointer(mask), out);
      out.get(got);
    }
    return firstWrong("weight", expected, got);
  }

  /** Of the regions whose bits are set. */
  private static double greatest(byte bits, double[] regionWeights) {
    double greatest = 0;
    for (int k = 0; k < regionWeights.length; k++) {
      if ((bits >> k & 1) != 0) {
        greatest = Math.max(greatest, regionWeights[k]);
      }
    }
    return greatest;
  }

  private static double clamp(double weight, double[] bounds) {
    return Math.min(Math.max(weight, bounds[0]), bounds[1]);
  }

  private static double meanOfPositive(double[] values, int begin, int end) {
    return Arrays.stream(values, begin, end).filter(v -> v > 0).average().orElse(1);
  }

  private static @Nullable String firstWrong(String name, double[] expected, float[] got) {
    for (int i = 0; i < got.length; i++) {
      if (!(Math.abs(expected[i] - got[i]) <= 1e-6 * (1 + Math.abs(expected[i])))) {
        return "%s %s at %d, not %s".formatted(name, got[i], i, expected[i]);
      }
    }
    return null;
  }
}
