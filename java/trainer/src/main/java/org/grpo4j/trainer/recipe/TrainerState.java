package org.grpo4j.trainer.recipe;

import java.util.Objects;
import org.grpo4j.trainer.weight.RegionEntropies;
import org.jspecify.annotations.Nullable;

/**
 * Counters of a run. With the weights and the optimizer they are all it needs to go on: every
 * random draw follows from the seed and a counter.
 *
 * @param step optimizer steps done
 * @param rollout rollouts done
 * @param promptsDrawn prompts taken from the training set, resampled ones included
 * @param tokens prompt and completion tokens sampled
 * @param completionTokens completion tokens among them
 * @param seconds time spent on rollouts and updates
 * @param entropies of the regions, moving averages that rest_entropy weighs by
 * @param before evaluation before the first step, null where there was none
 * @param window what was measured since the last logged row
 */
record TrainerState(
    int step,
    long rollout,
    long promptsDrawn,
    long tokens,
    long completionTokens,
    double seconds,
    RegionEntropies entropies,
    Evaluator.@Nullable Result before,
    MetricsWindow.Content window) {
  static final TrainerState START =
      new TrainerState(0, 0, 0, 0, 0, 0, RegionEntropies.EMPTY, null, MetricsWindow.Content.EMPTY);

  TrainerState {
    // Checkpoints written before token_weighting=rest_entropy existed have none.
    entropies = Objects.requireNonNullElse(entropies, RegionEntropies.EMPTY);
  }

  TrainerState drawn(int prompts, long newTokens, long newCompletionTokens) {
    return new TrainerState(
        step,
        rollout,
        promptsDrawn + prompts,
        tokens + newTokens,
        completionTokens + newCompletionTokens,
        seconds,
        entropies,
        before,
        window);
  }

  TrainerState withEntropies(RegionEntropies measured) {
    return new TrainerState(
        step, rollout, promptsDrawn, tokens, completionTokens, seconds, measured, before, window);
  }

  TrainerState nextStep() {
    return new TrainerState(
        step + 1,
        rollout,
        promptsDrawn,
        tokens,
        completionTokens,
        seconds,
        entropies,
        before,
        window);
  }

  TrainerState nextRollout() {
    return new TrainerState(
        step,
        rollout + 1,
        promptsDrawn,
        tokens,
        completionTokens,
        seconds,
        entropies,
        before,
        window);
  }

  TrainerState after(double moreSeconds) {
    return new TrainerState(
        step,
        rollout,
        promptsDrawn,
        tokens,
        completionTokens,
        seconds + moreSeconds,
        entropies,
        before,
        window);
  }

  TrainerState withBefore(Evaluator.@Nullable Result result) {
    return new TrainerState(
        step, rollout, promptsDrawn, tokens, completionTokens, seconds, entropies, result, window);
  }

  TrainerState withWindow(MetricsWindow.Content content) {
    return new TrainerState(
        step, rollout, promptsDrawn, tokens, completionTokens, seconds, entropies, before, content);
  }
}
