package org.grpo4j.trainer.reward;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The worth of one completion.
 *
 * @param total what enters the advantage
 * @param parts named components, for logs only; they need not sum to the total
 */
public record RewardScore(double total, Map<String, Double> parts) {
  public RewardScore {
    // Keeps the order in which the parts were named: logs show them in it.
    parts = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(parts));
  }

  /** A score without named parts. */
  public static RewardScore of(double total) {
    return new RewardScore(total, Map.of());
  }
}
