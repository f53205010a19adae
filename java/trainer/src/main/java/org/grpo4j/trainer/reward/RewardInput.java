package org.grpo4j.trainer.reward;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.grpo4j.trainer.environment.Episode;
import org.jspecify.annotations.Nullable;

/**
 * What a reward function sees of one completion.
 *
 * @param prompt the rendered prompt
 * @param completion the decoded completion
 * @param completionIds its token ids, up to and including the stop token; not to be changed
 * @param answer the reference answer of the data row
 * @param step of the reward schedules, from 0: optimizer steps times rest_step_scale
 * @param progress part of the run that is done, in [0, 1]; drives the paper's
 * @param extra the data row's other columns
 * @param episode turns, calls, results and outcome of a conversation, whose completion and ids are
 *     all that follows the prompt, tools' output included; null for one answer
 */
// An array: token ids are long, and the class documents that they are not to be changed.
@SuppressWarnings("ArrayRecordComponent")
public record RewardInput(
    String prompt,
    String completion,
    long[] completionIds,
    String answer,
    long step,
    double progress,
    Map<String, @Nullable Object> extra,
    @Nullable Episode episode) {
  public RewardInput {
    extra = Collections.unmodifiableMap(new LinkedHashMap<>(extra));
  }

  /** An input of one answer. */
  public RewardInput(
      String prompt,
      String completion,
      long[] completionIds,
      String answer,
      long step,
      double progress,
      Map<String, @Nullable Object> extra) {
    this(prompt, completion, completionIds, answer, step, progress, extra, null);
  }

  /** An input of text alone: no prompt, no token ids, no other columns. */
  public static RewardInput ofText(String completion, String answer, long step) {
    return new RewardInput("", completion, new long[0], answer, step, 0, Map.of());
  }

  /** Tokens of the completion. */
  public int completionLength() {
    return completionIds.length;
  }
}
