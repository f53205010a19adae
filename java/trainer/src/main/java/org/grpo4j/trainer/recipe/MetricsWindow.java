package org.grpo4j.trainer.recipe;

import java.util.LinkedHashMap;
import java.util.Map;

/** Means of the metrics since the last logged row. */
final class MetricsWindow {
  private final Map<String, double[]> sums = new LinkedHashMap<>();

  void add(Map<String, Double> values) {
    values.forEach(
        (name, value) -> {
          double[] sum = sums.computeIfAbsent(name, n -> new double[2]);
          sum[0] += value;
          sum[1]++;
        });
  }

  /** The means, and a fresh window. */
  Map<String, Double> drain() {
    Map<String, Double> means = new LinkedHashMap<>();
    sums.forEach((name, sum) -> means.put(name, sum[0] / sum[1]));
    sums.clear();
    return means;
  }
}
