package org.grpo4j.trainer.reward;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonText;
import org.grpo4j.trainer.reward.ToolRlOptions.Switch;
import org.jspecify.annotations.Nullable;

/**
 * ToolRL's rule-based reward (arXiv 2504.13958), also in ResT's release form: format + correctness,
 * and optionally the length of the reasoning. Parts: format, correctness, length.
 *
 * <p>Format is the maximum of its range for a well-formed completion, else the minimum ({@link
 * ToolRlFormat}). Correctness is 0 when the answer has no call; the minimum when the completion has
 * no readable call; else see {@link ToolRlCorrectness}.
 */
public final class ToolRlReward implements RewardFunction {
  /** Words of reasoning that earn the whole length part. */
  private static final double FULL_LENGTH = 512;

  private final ToolRlOptions options;
  private final ToolRlCorrectness correctness;

  public ToolRlReward(ToolRlOptions options) {
    this.options = options;
    this.correctness = new ToolRlCorrectness(options);
  }

  @Override
  public String name() {
    return "toolrl";
  }

  /**
   * Scores one completion.
   *
   * @throws InputException if the answer has a tool_call block that is not one JSON value per line
   */
  @Override
  public RewardScore score(RewardInput input) {
    String text = options.chatFrame().strip(input.completion());
    boolean moving = options.on(Switch.PROGRESSREWARD);
    double format =
        (moving ? 1 - input.progress() : 1) * formatScore(text, input.answer(), input.step());
    double correct =
        (moving ? input.progress() : 1) * correctnessScore(text, input.answer(), input.step());
    double length = options.on(Switch.WITHLENGTH) ? lengthScore(text, input.step()) : 0;
    boolean addLength = options.release() == ToolRlOptions.Release.TOOLRL;
    Map<String, Double> parts = new LinkedHashMap<>();
    parts.put("format", format);
    parts.put("correctness", correct);
    if (options.on(Switch.WITHLENGTH)) {
      parts.put("length", length);
    }
    return new RewardScore(format + correct + (addLength ? length : 0), parts);
  }

  private double formatScore(String text, String answer, long step) {
    RewardRange range = RewardRange.format(options, step);
    return ToolRlFormat.matches(options.release(), text, answer) ? range.max() : range.min();
  }

  private double correctnessScore(String text, String answer, long step) {
    if (!answer.contains(ToolCalls.OPEN)) {
      return 0;
    }
    RewardRange range = RewardRange.correctness(options, step);
    List<@Nullable Object> expected = answerCalls(answer);
    if (!text.contains(ToolCalls.CLOSE)) {
      return range.min();
    }
    try {
      return correctness.reward(expected, ToolCalls.parse(text), range);
    } catch (PythonError e) {
      // The definition: whatever can't be read or compared scores the minimum.
      return range.min();
    }
  }

  /**
   * Whether completions can be judged against an answer: where it has calls, they must be readable.
   * Some published rows mention the tag in their reasoning, which the reference program takes for
   * the block: it raises there, and so does {@link #score}. Leave such rows out beforehand.
   */
  public static boolean canJudge(String answer) {
    if (!answer.contains(ToolCalls.OPEN)) {
      return true;
    }
    try {
      ToolCalls.parse(answer);
      return true;
    } catch (PythonError e) {
      return false;
    }
  }

  static List<@Nullable Object> answerCalls(String answer) {
    try {
      return ToolCalls.parse(answer);
    } catch (PythonError e) {
      throw new InputException(
          "the answer's tool_call block must hold one JSON object per line: "
              + RewardFunctions.shorten(answer),
          e);
    }
  }

  /** Words of reasoning over the full length, rounded to two digits as published, at most 1. */
  private double lengthScore(String text, long step) {
    if (!text.contains("<think>") || !text.contains("</think>")) {
      return 0;
    }
    double full =
        options.on(Switch.SCHEDULELENGTH) ? (640.0 - 384) * step / 105 + 384 : FULL_LENGTH;
    String reasoning = PythonText.beforeFirst(PythonText.afterLast(text, "<think>"), "</think>");
    double share = PythonText.countWords(reasoning) / full;
    // Python rounds the double's exact value, ties to even.
    return Math.min(1, new BigDecimal(share).setScale(2, RoundingMode.HALF_EVEN).doubleValue());
  }

  /** The format part alone, as the reward function {@code format}. */
  static RewardFunction formatOnly(ToolRlOptions options) {
    ToolRlReward whole = new ToolRlReward(options);
    return new RewardFunction() {
      @Override
      public String name() {
        return "format";
      }

      @Override
      public RewardScore score(RewardInput input) {
        String text = options.chatFrame().strip(input.completion());
        return RewardScore.of(whole.formatScore(text, input.answer(), input.step()));
      }
    };
  }
}
