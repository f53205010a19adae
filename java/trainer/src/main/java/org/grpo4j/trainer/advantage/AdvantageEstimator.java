package org.grpo4j.trainer.advantage;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.grpo4j.torch.InputException;

/**
 * Turns rewards into one advantage per completion. R is a completion's reward; μ and σ are the mean
 * and the sample standard deviation (n − 1) of its group of n. A group of one has μ = 0 and σ = 1:
 * its reward is its advantage, as in verl. Formulas as in verl's core algorithms.
 */
public enum AdvantageEstimator {
  /** (R − μ) / (σ + ε); σ of the batch or 1 according to {@link ScaleRewards}. */
  GRPO {
    @Override
    void group(AdvantageInput in, int[] group, double[] out) {
      double mean = group.length == 1 ? 0 : Groups.mean(in.rewards(), group);
      double divisor = divisor(in, group);
      for (int i : group) {
        out[i] = (in.rewards()[i] - mean) / divisor;
      }
    }
  },

  /** R − μ (arXiv 2503.20783). */
  DR_GRPO {
    @Override
    void group(AdvantageInput in, int[] group, double[] out) {
      centre(in, group, out);
    }
  },

  /** n/(n − 1) · (R − μ): the others' mean as the baseline (arXiv 2402.14740). */
  RLOO {
    @Override
    void group(AdvantageInput in, int[] group, double[] out) {
      centre(in, group, out);
      if (group.length > 1) {
        double factor = group.length / (group.length - 1.0);
        for (int i : group) {
          out[i] *= factor;
        }
      }
    }
  },

  /** R − Σ(len·R)/Σlen: the length-weighted mean as the baseline (arXiv 2505.23585). */
  OPO {
    @Override
    void group(AdvantageInput in, int[] group, double[] out) {
      double baseline = group.length == 1 ? 0 : lengthWeightedMean(in, group);
      for (int i : group) {
        out[i] = in.rewards()[i] - baseline;
      }
    }
  },

  /** R − μ, then whitened over all trained tokens of the batch (arXiv 2501.03262). */
  REINFORCE_PLUS_PLUS_BASELINE {
    @Override
    void group(AdvantageInput in, int[] group, double[] out) {
      centre(in, group, out);
    }

    @Override
    void batch(AdvantageInput in, double[] out) {
      whitenOverTokens(in, out);
    }
  },

  /**
   * Pass@k (arXiv 2503.19595): the best completion of a group gets (R_first − R_second) / (σ + ε),
   * the others 0. Groups of one are an error.
   */
  GRPO_PASSK {
    @Override
    void group(AdvantageInput in, int[] group, double[] out) {
      if (group.length < 2) {
        throw new InputException(
            "advantage grpo_passk compares the completions of a prompt; num_generations must be at"
                + " least 2");
      }
      int best = group[0];
      double second = Double.NEGATIVE_INFINITY;
      for (int k = 1; k < group.length; k++) {
        double reward = in.rewards()[group[k]];
        if (reward > in.rewards()[best]) {
          second = in.rewards()[best];
          best = group[k];
        } else {
          second = Math.max(second, reward);
        }
      }
      out[best] = (in.rewards()[best] - second) / divisor(in, group);
    }
  };

  /**
   * Added to the variance that whitening divides by and to the tokens of its mean, as in verl. The
   * second shows where all values are equal: each is x·1e-8/n away from the mean, divided by 1e-4.
   */
  private static final double WHITENING_EPSILON = 1e-8;

  /** The estimator of a configuration's word, for example grpo or dr_grpo. */
  public static AdvantageEstimator named(String name) {
    for (AdvantageEstimator value : values()) {
      if (value.configName().equals(name)) {
        return value;
      }
    }
    throw new InputException(
        "unknown advantage estimator '"
            + name
            + "'; there are "
            + Arrays.stream(values())
                .map(AdvantageEstimator::configName)
                .collect(Collectors.joining(", ")));
  }

  /** The word for this estimator in a configuration. */
  public String configName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The advantages of a batch; every token of a completion has the same one.
   *
   * @return [B]
   */
  public double[] compute(AdvantageInput in) {
    double[] out = new double[in.rewards().length];
    for (int[] group : Groups.members(in.groupIds())) {
      group(in, group, out);
    }
    batch(in, out);
    return out;
  }

  /** Fills in the advantages of one group. */
  abstract void group(AdvantageInput in, int[] group, double[] out);

  /** What is done to the whole batch after its groups: nothing, mostly. */
  void batch(AdvantageInput in, double[] out) {}

  private static void centre(AdvantageInput in, int[] group, double[] out) {
    double mean = group.length == 1 ? 0 : Groups.mean(in.rewards(), group);
    for (int i : group) {
      out[i] = in.rewards()[i] - mean;
    }
  }

  private static double divisor(AdvantageInput in, int[] group) {
    return switch (in.scale()) {
      case GROUP ->
          (group.length == 1 ? 1 : Groups.standardDeviation(in.rewards(), group)) + in.epsilon();
      case BATCH ->
          Groups.standardDeviation(in.rewards(), IntStream.range(0, in.rewards().length).toArray())
              + in.epsilon();
      case NONE -> 1;
    };
  }

  /** Σ(len·R)/Σlen, measured from the first reward; the plain mean where no token is trained. */
  private static double lengthWeightedMean(AdvantageInput in, int[] group) {
    double first = in.rewards()[group[0]];
    double sum = 0;
    long tokens = 0;
    for (int i : group) {
      sum += in.lengths()[i] * (in.rewards()[i] - first);
      tokens += in.lengths()[i];
    }
    return tokens == 0 ? Groups.mean(in.rewards(), group) : first + sum / tokens;
  }

  /**
   * (x − mean) / √(variance · n/(n − 1) + 1e-8) with mean and variance over the n trained tokens.
   */
  private static void whitenOverTokens(AdvantageInput in, double[] values) {
    long tokens = Arrays.stream(in.lengths()).asLongStream().sum();
    if (tokens < 2) {
      return; // One token or none has no spread to divide by.
    }
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      sum += in.lengths()[i] * values[i];
    }
    double mean = sum / (tokens + WHITENING_EPSILON);
    double squares = 0;
    for (int i = 0; i < values.length; i++) {
      squares += in.lengths()[i] * (values[i] - mean) * (values[i] - mean);
    }
    double divisor = Math.sqrt(squares / (tokens - 1) + WHITENING_EPSILON);
    for (int i = 0; i < values.length; i++) {
      values[i] = (values[i] - mean) / divisor;
    }
  }
}
