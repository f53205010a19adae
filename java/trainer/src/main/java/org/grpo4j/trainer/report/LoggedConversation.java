package org.grpo4j.trainer.report;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What the log of a conversation has beside that of an answer.
 *
 * @param sampledMask 1 at tokens that the model sampled, 0 at those of tools and template
 * @param turns of the model
 * @param ending why there is no further turn
 * @param success whether the task was done
 */
public record LoggedConversation(
    List<Integer> sampledMask, List<Turn> turns, String ending, boolean success) {
  public LoggedConversation {
    sampledMask = List.copyOf(sampledMask);
    turns = List.copyOf(turns);
  }

  /**
   * A turn of the model.
   *
   * @param text what it wrote
   * @param results what its calls gave, in their order
   * @param failures how many of them failed
   * @param reward of this turn alone
   */
  public record Turn(String text, List<String> results, int failures, double reward) {
    public Turn {
      results = List.copyOf(results);
    }
  }

  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("completion_mask", sampledMask);
    map.put("turns", turns);
    map.put("ending", ending);
    map.put("success", success);
    return map;
  }
}
