package org.grpo4j.trainer.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reward functions.
 *
 * @param rewardFuncs names or fully qualified classes
 * @param rewardWeights one factor per function; null: all 1
 * @param rewardOptions options of the ToolRL reward
 */
public record RewardSettings(
    @Key(
            byDefault = "[toolrl]",
            doc =
                "Reward functions: toolrl, exact_call, format, overlong, environment (of a"
                    + " conversation), or fully qualified classes of your own.")
        List<String> rewardFuncs,
    @Key(byDefault = "null", source = "TRL", doc = "One factor per reward function; unset: all 1.")
        @Nullable List<Double> rewardWeights,
    @Key(
            byDefault = "{}",
            source = "ToolRL",
            doc =
                "Options of the toolrl reward by ToolRL's names, for example {CORRECTMAX1: true,"
                    + " WITHLENGTH: true}.")
        Map<String, Object> rewardOptions) {
  /** Copies what it is given. */
  public RewardSettings {
    rewardFuncs = List.copyOf(rewardFuncs);
    rewardWeights = rewardWeights == null ? null : List.copyOf(rewardWeights);
    rewardOptions = Values.copy(rewardOptions);
  }

  /** The same without schedules, so that evaluations at different steps compare. */
  public RewardSettings forEvaluation() {
    Map<String, Object> options = new LinkedHashMap<>(rewardOptions);
    options.keySet().removeAll(List.of("SCHEDULEREWARD", "PROGRESSREWARD", "MAX1STEP30MAX3"));
    return new RewardSettings(rewardFuncs, rewardWeights, options);
  }

  /** The factor of reward function {@code index}. */
  public double weight(int index) {
    return rewardWeights == null ? 1.0 : rewardWeights.get(index);
  }
}
