package org.grpo4j.trainer.recipe;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.environment.Ending;
import org.grpo4j.trainer.environment.Episode;
import org.grpo4j.trainer.report.Summary;
import org.grpo4j.trainer.reward.RewardInput;
import org.grpo4j.trainer.reward.ToolRlOptions;
import org.grpo4j.trainer.reward.ToolRlReward;
import org.grpo4j.trainer.rollout.Completion;
import org.grpo4j.trainer.rollout.SamplingConfig;
import org.grpo4j.trainer.rollout.SequenceRandom;

/** Answers held-out prompts, greedily and by sampling, and counts the right ones. */
final class Evaluator {
  private final Rollouts rollouts;
  private final Scorer scorer;
  private final Settings settings;

  /**
   * @param maxNewTokens length limit of an answer or a conversation
   * @param temperature of the sampled answers
   * @param batchSize prompts answered together
   * @param seed of the sampled answers
   */
  record Settings(int maxNewTokens, double temperature, int batchSize, long seed) {}

  /**
   * What was found; rates are fractions of 1.
   *
   * @param prompts how many were answered
   * @param reward mean reward of the greedy answers
   * @param rewardStandardError of that mean
   * @param exact fraction of greedy answers whose calls equal the reference's, or of conversations
   *     whose task was done
   * @param sampledExact the same for sampled answers
   * @param sampledReward mean reward of the sampled answers
   * @param format fraction of greedy answers of the right format, or of conversations that ended
   *     with an answer and without a failed call
   */
  record Result(
      int prompts,
      double reward,
      double rewardStandardError,
      double exact,
      double sampledExact,
      double sampledReward,
      double format) {

    /** Standard error of a fraction of the prompts. */
    double standardError(double fraction) {
      return Math.sqrt(fraction * (1 - fraction) / prompts);
    }

    Summary.Scores scores() {
      return new Summary.Scores(reward, exact, sampledExact, format);
    }

    /** One line for the terminal. */
    String describe() {
      return String.format(
          Locale.ROOT,
          "exact calls %.3f ± %.3f greedy, %.3f ± %.3f sampled; reward %.3f ± %.3f; format %.3f"
              + " (%d prompts, ± standard error)",
          exact,
          standardError(exact),
          sampledExact,
          standardError(sampledExact),
          reward,
          rewardStandardError,
          format,
          prompts);
    }

    Map<String, Double> values() {
      Map<String, Double> values = new LinkedHashMap<>();
      values.put("eval/reward", reward);
      values.put("eval/exact", exact);
      values.put("eval/sampled", sampledExact);
      values.put("eval/sampled_reward", sampledReward);
      values.put("eval/format", format);
      return values;
    }
  }

  Evaluator(Rollouts rollouts, Scorer scorer, Settings settings) {
    this.rollouts = rollouts;
    this.scorer = scorer;
    this.settings = settings;
  }

  /** Evaluates the policy as it is. */
  Result evaluate(List<RenderedPrompt> prompts) {
    List<ScoredCompletion> greedy = answer(prompts, SamplingConfig.greedy(settings.maxNewTokens()));
    List<ScoredCompletion> sampled =
        answer(prompts, new SamplingConfig(settings.temperature(), 1, 0, settings.maxNewTokens()));
    double[] rewards = greedy.stream().mapToDouble(ScoredCompletion::reward).toArray();
    return new Result(
        prompts.size(),
        RolloutMetrics.mean(rewards),
        RolloutMetrics.std(rewards) / Math.sqrt(rewards.length),
        exact(greedy),
        exact(sampled),
        sampled.stream().mapToDouble(ScoredCompletion::reward).average().orElse(Double.NaN),
        format(greedy));
  }

  /** One answer to each prompt, scored. */
  List<ScoredCompletion> answer(List<RenderedPrompt> prompts, SamplingConfig sampling) {
    List<ScoredCompletion> answers = new ArrayList<>();
    for (int from = 0; from < prompts.size(); from += settings.batchSize()) {
      List<RenderedPrompt> part =
          prompts.subList(from, Math.min(prompts.size(), from + settings.batchSize()));
      long[][] seeds = new long[part.size()][1];
      for (int p = 0; p < part.size(); p++) {
        seeds[p][0] = SequenceRandom.seed(settings.seed(), from + p);
      }
      List<Completion> completions = rollouts.sample(part, seeds, sampling);
      answers.addAll(scorer.score(part, completions, from, 0, 0));
    }
    return answers;
  }

  private static double exact(List<ScoredCompletion> answers) {
    return fraction(answers.stream().filter(ScoredCompletion::exact).count(), answers.size());
  }

  private static double format(List<ScoredCompletion> answers) {
    ToolRlReward reward = new ToolRlReward(ToolRlOptions.of());
    return fraction(answers.stream().filter(c -> wellFormed(c, reward)).count(), answers.size());
  }

  /**
   * A conversation: it ended with an answer and no call failed. An answer: the unscheduled format
   * reward is 1 for the right format and 0 for another.
   */
  private static boolean wellFormed(ScoredCompletion c, ToolRlReward reward) {
    Episode episode = c.completion().episode();
    if (episode != null) {
      return episode.ending() == Ending.ANSWERED && episode.failures() == 0;
    }
    RewardInput input = RewardInput.ofText(c.text(), c.prompt().example().answer(), 0);
    return reward.score(input).parts().getOrDefault("format", 0.0) == 1;
  }

  private static double fraction(long count, int of) {
    return of == 0 ? Double.NaN : (double) count / of;
  }
}
