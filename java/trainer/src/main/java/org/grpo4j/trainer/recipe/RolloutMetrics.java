package org.grpo4j.trainer.recipe;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import org.grpo4j.trainer.advantage.Groups;
import org.grpo4j.trainer.environment.Ending;
import org.grpo4j.trainer.environment.Episode;
import org.grpo4j.trainer.weight.Region;

/** What one rollout measured, by TRL's names where it has one. */
final class RolloutMetrics {
  private RolloutMetrics() {}

  static Map<String, Double> of(List<ScoredCompletion> sampled) {
    long[] groupIds = ScoredCompletion.groupIds(sampled);
    Map<String, Double> values = new LinkedHashMap<>();
    double[] rewards = sampled.stream().mapToDouble(ScoredCompletion::reward).toArray();
    values.put("reward", mean(rewards));
    values.put(
        "reward_std",
        Groups.members(groupIds).stream()
            .mapToDouble(g -> std(DoubleStream.of(at(rewards, g)).toArray()))
            .average()
            .orElse(0));
    values.put("frac_reward_zero_std", Groups.zeroSpreadFraction(rewards, groupIds));
    for (String name : sampled.get(0).rewards().keySet()) {
      double[] each = column(sampled, c -> c.rewards().getOrDefault(name, 0.0));
      values.put("rewards/" + name + "/mean", mean(each));
      values.put("rewards/" + name + "/std", std(each));
    }
    for (String name : sampled.get(0).parts().keySet()) {
      values.put(
          "rewards/" + name + "/mean",
          mean(column(sampled, c -> c.parts().getOrDefault(name, 0.0))));
    }
    values.put("exact", mean(column(sampled, c -> c.exact() ? 1 : 0)));
    conversations(sampled, values);
    lengths(sampled, values);
    regions(sampled, values);
    return values;
  }

  /** TRL's two of tools, and how conversations went; nothing where there are none. */
  private static void conversations(List<ScoredCompletion> sampled, Map<String, Double> values) {
    List<Episode> episodes =
        sampled.stream().map(c -> c.completion().episode()).filter(Objects::nonNull).toList();
    if (episodes.isEmpty()) {
      return;
    }
    double calls = episodes.stream().mapToInt(Episode::calls).sum();
    double failures = episodes.stream().mapToInt(Episode::failures).sum();
    double[] turns = episodes.stream().mapToDouble(e -> e.turns().size()).toArray();
    values.put("tools/call_frequency", calls / episodes.size());
    values.put("tools/failure_frequency", calls == 0 ? 0 : failures / calls);
    values.put("turns/mean", mean(turns));
    values.put("turns/max", DoubleStream.of(turns).max().orElse(0));
    for (Ending ending : Ending.values()) {
      values.put(
          "turns/ended_" + ending.name().toLowerCase(Locale.ROOT),
          (double) episodes.stream().filter(e -> e.ending() == ending).count() / episodes.size());
    }
  }

  /** Of sampled tokens alone, as TRL's: tools' output is not the model's length. */
  private static void lengths(List<ScoredCompletion> sampled, Map<String, Double> values) {
    double[] all = column(sampled, c -> c.completion().sampledLength());
    double[] ended =
        sampled.stream()
            .filter(c -> c.completion().finished())
            .mapToDouble(c -> c.completion().sampledLength())
            .toArray();
    values.put("completions/mean_length", mean(all));
    values.put("completions/min_length", DoubleStream.of(all).min().orElse(0));
    values.put("completions/max_length", DoubleStream.of(all).max().orElse(0));
    values.put("completions/mean_terminated_length", ended.length == 0 ? 0 : mean(ended));
    values.put("completions/clipped_ratio", 1 - (double) ended.length / all.length);
  }

  /** Entropy while sampling and token weight, mean over the sampled tokens of each region. */
  private static void regions(List<ScoredCompletion> sampled, Map<String, Double> values) {
    Map<Region, double[]> sums = new EnumMap<>(Region.class);
    for (ScoredCompletion c : sampled) {
      float[] mask = c.completion().sampledMask();
      for (int t = 0; t < c.length(); t++) {
        if (mask[t] == 0) {
          continue;
        }
        double[] sum = sums.computeIfAbsent(c.regions().get(t), r -> new double[3]);
        sum[0]++;
        sum[1] += c.completion().entropies()[t];
        sum[2] += c.tokenWeights()[t];
      }
    }
    sums.forEach(
        (region, sum) -> {
          String name = region.name().toLowerCase(Locale.ROOT);
          values.put("entropy/" + name, sum[1] / sum[0]);
          values.put("token_weight/" + name, sum[2] / sum[0]);
        });
  }

  private static double[] column(
      List<ScoredCompletion> sampled, ToDoubleFunction<ScoredCompletion> value) {
    return sampled.stream().mapToDouble(value).toArray();
  }

  private static double[] at(double[] values, int[] indices) {
    return java.util.Arrays.stream(indices).mapToDouble(i -> values[i]).toArray();
  }

  static double mean(double[] values) {
    return DoubleStream.of(values).average().orElse(Double.NaN);
  }

  /** Sample standard deviation; 0 for a single value. */
  static double std(double[] values) {
    if (values.length < 2) {
      return 0;
    }
    double mean = mean(values);
    double sum = DoubleStream.of(values).map(v -> (v - mean) * (v - mean)).sum();
    return Math.sqrt(sum / (values.length - 1));
  }
}
