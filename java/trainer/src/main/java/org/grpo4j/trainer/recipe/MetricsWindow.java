package org.grpo4j.trainer.recipe;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The metrics since the last logged row: means, except that names ending in min or max, and the
 * ratio's deviation, keep their extreme.
 */
final class MetricsWindow {
  private final Map<String, Double> sums = new LinkedHashMap<>();
  private final Map<String, Integer> counts = new LinkedHashMap<>();
  private double startSeconds;
  private long startTokens;

  /**
   * A window as it is kept in a checkpoint.
   *
   * @param sums sum, or extreme, of each metric
   * @param counts how many values each sum has
   * @param startSeconds training time at the last logged row
   * @param startTokens tokens at the last logged row
   */
  record Content(
      Map<String, Double> sums,
      Map<String, Integer> counts,
      double startSeconds,
      long startTokens) {
    static final Content EMPTY = new Content(Map.of(), Map.of(), 0, 0);

    Content {
      sums = Map.copyOf(sums);
      counts = Map.copyOf(counts);
    }
  }

  MetricsWindow(Content content) {
    sums.putAll(content.sums());
    counts.putAll(content.counts());
    startSeconds = content.startSeconds();
    startTokens = content.startTokens();
  }

  Content content() {
    return new Content(sums, counts, startSeconds, startTokens);
  }

  void add(Map<String, Double> values) {
    values.forEach(
        (name, value) -> {
          if (isMin(name)) {
            sums.merge(name, value, Math::min);
          } else if (isMax(name)) {
            sums.merge(name, value, Math::max);
          } else {
            sums.merge(name, value, Double::sum);
          }
          counts.merge(name, 1, Integer::sum);
        });
  }

  /** Training seconds since the last logged row. */
  double seconds(double now) {
    return now - startSeconds;
  }

  /** Tokens since the last logged row. */
  long tokens(long now) {
    return now - startTokens;
  }

  /** The values of a row, and a fresh window that starts here. */
  Map<String, Double> drain(double seconds, long tokens) {
    Map<String, Double> row = new LinkedHashMap<>();
    sums.forEach(
        (name, sum) ->
            row.put(name, isMin(name) || isMax(name) ? sum : sum / counts.getOrDefault(name, 1)));
    sums.clear();
    counts.clear();
    startSeconds = seconds;
    startTokens = tokens;
    return row;
  }

  private static boolean isMin(String name) {
    return name.endsWith("/min") || name.endsWith("_min") || name.contains("/min_");
  }

  private static boolean isMax(String name) {
    return name.endsWith("/max")
        || name.endsWith("_max")
        || name.contains("/max_")
        || name.endsWith("_deviation");
  }
}
