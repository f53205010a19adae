package org.grpo4j.trainer.reward;

import java.util.List;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonValues;
import org.jspecify.annotations.Nullable;

/**
 * 1 if the completion makes exactly the answer's calls, in their order, else 0. With an answer
 * without calls: 1 if the completion makes none. Numbers compare by value (1 equals 1.0), the order
 * of parameters does not matter, and neither does anything outside the tool_call block.
 */
public final class ExactCallReward implements RewardFunction {
  @Override
  public String name() {
    return "exact_call";
  }

  /**
   * Scores one completion.
   *
   * @throws org.grpo4j.torch.InputException if the answer's tool_call block is not readable
   */
  @Override
  public RewardScore score(RewardInput input) {
    return RewardScore.of(isExact(input.completion(), input.answer()) ? 1 : 0);
  }

  /** Whether a completion makes exactly the answer's calls. */
  public static boolean isExact(String completion, String answer) {
    if (!answer.contains(ToolCalls.OPEN)) {
      return !completion.contains(ToolCalls.OPEN);
    }
    List<@Nullable Object> expected = ToolRlReward.answerCalls(answer);
    if (!completion.contains(ToolCalls.CLOSE)) {
      return false;
    }
    try {
      return PythonValues.equalLists(expected, ToolCalls.parse(completion));
    } catch (PythonError e) {
      return false; // An unreadable call equals no call.
    }
  }
}
