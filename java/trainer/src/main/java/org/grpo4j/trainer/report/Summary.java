package org.grpo4j.trainer.report;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * summary.json: what a run changed. Rates are fractions of 1; NaN, written as null, where nothing
 * was evaluated.
 *
 * @param before evaluation before the first step
 * @param after evaluation after the last
 * @param evalPrompts held-out prompts evaluated
 * @param steps optimizer steps
 * @param seconds wall time of the training steps
 * @param tokensPerSecond completion tokens trained per second of it
 * @param seed of the run
 * @param objective the loss in words, for example "grpo+rest"
 */
public record Summary(
    Scores before,
    Scores after,
    int evalPrompts,
    int steps,
    double seconds,
    double tokensPerSecond,
    long seed,
    String objective) {

  /**
   * One evaluation.
   *
   * @param reward mean reward of the greedy completions
   * @param exact fraction of greedy completions whose calls equal the answer's
   * @param sampled the same, sampled at the training temperature
   * @param format fraction of greedy completions in the right format
   */
  public record Scores(double reward, double exact, double sampled, double format) {
    /** What stands where nothing was evaluated. */
    public static final Scores NONE = new Scores(Double.NaN, Double.NaN, Double.NaN, Double.NaN);
  }

  /** The fields by their names in the file. */
  public Map<String, @Nullable Object> toMap() {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    map.put("reward_before", finite(before.reward));
    map.put("reward_after", finite(after.reward));
    map.put("exact_before", finite(before.exact));
    map.put("exact_after", finite(after.exact));
    map.put("sampled_before", finite(before.sampled));
    map.put("sampled_after", finite(after.sampled));
    map.put("format_before", finite(before.format));
    map.put("format_after", finite(after.format));
    map.put("eval_prompts", evalPrompts);
    map.put("steps", steps);
    map.put("seconds", finite(seconds));
    map.put("tokens_per_second", finite(tokensPerSecond));
    map.put("seed", seed);
    map.put("objective", objective);
    return map;
  }

  /** JSON has no NaN and no infinity. */
  static @Nullable Double finite(double value) {
    return Double.isFinite(value) ? value : null;
  }
}
