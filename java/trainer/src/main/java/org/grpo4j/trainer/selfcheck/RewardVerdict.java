package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.reward.RewardInput;
import org.grpo4j.trainer.reward.RewardScore;
import org.grpo4j.trainer.reward.ToolRlOptions;
import org.grpo4j.trainer.reward.ToolRlReward;

/** One reward and its parts; raised where the answer is not readable and there is no reward. */
record RewardVerdict(
    double total, double format, double correctness, double length, boolean raised) {

  private static final RewardVerdict RAISED = new RewardVerdict(0, 0, 0, 0, true);

  /** The verdict of a vector; null there means that the reference program raised. */
  static RewardVerdict expected(JsonNode node, String totalField) {
    if (node.isNull()) {
      return RAISED;
    }
    return new RewardVerdict(
        VectorFiles.need(node, totalField).asDouble(),
        node.path("format").asDouble(),
        node.path("correctness").asDouble(),
        node.path("length").asDouble(),
        false);
  }

  static RewardVerdict computed(
      ToolRlOptions options, String completion, String answer, long step) {
    RewardScore score;
    try {
      score = new ToolRlReward(options).score(RewardInput.ofText(completion, answer, step));
    } catch (InputException e) {
      return RAISED; // The vectors hold this outcome too: it is compared like any other.
    }
    return new RewardVerdict(
        score.total(),
        score.parts().getOrDefault("format", 0.0),
        score.parts().getOrDefault("correctness", 0.0),
        score.parts().getOrDefault("length", 0.0),
        false);
  }

  boolean agrees(RewardVerdict other) {
    return raised == other.raised
        && VectorFiles.close(total, other.total)
        && VectorFiles.close(format, other.format)
        && VectorFiles.close(correctness, other.correctness)
        && VectorFiles.close(length, other.length);
  }

  @Override
  public String toString() {
    return raised
        ? "an error"
        : total
            + " (format "
            + format
            + ", correctness "
            + correctness
            + ", length "
            + length
            + ")";
  }
}
