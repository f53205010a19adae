package org.grpo4j.trainer.recipe;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.grpo4j.trainer.config.RewardSettings;
import org.grpo4j.trainer.config.TrainConfig;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.reward.EnvironmentReward;
import org.grpo4j.trainer.reward.OverlongReward;
import org.grpo4j.trainer.reward.RewardFunction;
import org.grpo4j.trainer.reward.RewardFunctions;
import org.grpo4j.trainer.reward.RewardInput;
import org.grpo4j.trainer.reward.RewardTable;
import org.grpo4j.trainer.reward.ToolRlOptions;
import org.grpo4j.trainer.rollout.Completion;
import org.grpo4j.trainer.weight.CompletionText;
import org.grpo4j.trainer.weight.Region;
import org.grpo4j.trainer.weight.RegionFinder;
import org.grpo4j.trainer.weight.RegionFinders;
import org.grpo4j.trainer.weight.SpanPlacement;
import org.grpo4j.trainer.weight.TokenRegions;
import org.grpo4j.trainer.weight.ToolCallRegions;

/** Gives sampled completions their rewards and regions. */
final class Scorer {
  private final Policy policy;
  private final List<RewardFunction> functions;
  private final double[] weights;
  private final SpanPlacement placement;
  private final RegionFinder finder;

  /**
   * @param finder finds the regions of a completion
   * @param placement which tokens a region covers
   * @param maxCompletionLength the length that the overlong reward measures from
   */
  Scorer(
      Policy policy,
      RewardSettings settings,
      RegionFinder finder,
      SpanPlacement placement,
      int maxCompletionLength) {
    this.policy = policy;
    this.finder = finder;
    this.placement = placement;
    this.functions =
        RewardFunctions.create(
            settings.rewardFuncs(),
            new RewardFunctions.Options(
                ToolRlOptions.fromConfig(settings.rewardOptions()),
                new OverlongReward.Options(
                    maxCompletionLength, Math.max(1, maxCompletionLength / 5), 1.0)));
    this.weights = IntStream.range(0, functions.size()).mapToDouble(settings::weight).toArray();
  }

  /** With the rewards and regions of a run. */
  static Scorer of(Policy policy, TrainConfig config) {
    return of(policy, config, config.reward());
  }

  /** The same with rewards that follow no schedule. */
  static Scorer forEvaluation(Policy policy, TrainConfig config) {
    return of(policy, config, config.reward().forEvaluation());
  }

  private static Scorer of(Policy policy, TrainConfig config, RewardSettings reward) {
    return new Scorer(
        policy,
        reward,
        RegionFinders.named(config.weighting().restRegions()),
        config.weighting().restSpanPlacement(),
        config.generation().maxCompletionLength());
  }

  /** One reward with its defaults, and ToolRL's regions. */
  static Scorer of(Policy policy, String reward, int maxCompletionLength) {
    return new Scorer(
        policy,
        new RewardSettings(List.of(reward), null, Map.of()),
        new ToolCallRegions(),
        SpanPlacement.COVERING,
        maxCompletionLength);
  }

  /**
   * Scores completions; their advantages are still 0 and their token weights 1.
   *
   * @param prompts what the completions' {@link Completion#prompt} counts into
   * @param firstGroup the draw of the first prompt
   * @param step of the release's reward schedules
   * @param progress part of the run that is done, likewise
   */
  List<ScoredCompletion> score(
      List<RenderedPrompt> prompts,
      List<Completion> completions,
      long firstGroup,
      int step,
      double progress) {
    List<RewardInput> inputs = new ArrayList<>();
    for (Completion completion : completions) {
      RenderedPrompt prompt = prompts.get(completion.prompt());
      inputs.add(
          new RewardInput(
              prompt.text(),
              policy.text(completion.tokens()),
              completion.ids(),
              prompt.example().answer(),
              step,
              progress,
              prompt.example().extra(),
              completion.episode()));
    }
    RewardTable table = RewardTable.score(functions, weights, inputs);
    List<ScoredCompletion> scored = new ArrayList<>();
    for (int i = 0; i < completions.size(); i++) {
      Completion completion = completions.get(i);
      List<Region> regions = new ArrayList<>();
      byte[] sets = new byte[completion.length()];
      regions(completion, regions, sets);
      Map<String, Double> rewards = new LinkedHashMap<>();
      for (Map.Entry<String, double[]> column : table.byFunction().entrySet()) {
        rewards.put(column.getKey(), column.getValue()[i]);
      }
      scored.add(
          new ScoredCompletion(
              firstGroup + completion.prompt(),
              prompts.get(completion.prompt()),
              completion,
              inputs.get(i).completion(),
              rewards,
              table.parts().get(i),
              table.totals()[i],
              List.copyOf(regions),
              sets,
              ones(completion.length()),
              0,
              completion.samplingLogProbs(),
              null));
    }
    return scored;
  }

  /** The factor of the environment's reward in the sum; 0 where it is not part of it. */
  double environmentWeight() {
    for (int f = 0; f < weights.length; f++) {
      if (functions.get(f).name().equals(EnvironmentReward.NAME)) {
        return weights[f];
      }
    }
    return 0;
  }

  /**
   * Finds the regions of each turn in its own text, on its own tokens. What tools and template
   * wrote is in none, whatever it looks like.
   *
   * @param regions receives one for each token
   * @param sets receives every region of each token
   */
  private void regions(Completion completion, List<Region> regions, byte[] sets) {
    byte none = (byte) (1 << Region.OTHER.bit());
    for (Completion.Span span : completion.sampledSpans()) {
      Arrays.fill(sets, regions.size(), span.first(), none);
      regions.addAll(Collections.nCopies(span.first() - regions.size(), Region.OTHER));
      long[] ids = Arrays.copyOfRange(completion.ids(), span.first(), span.end());
      CompletionText text = CompletionText.of(ids, policy.tokenizer());
      TokenRegions ofTurn = TokenRegions.of(text.text(), text.offsets(), finder, placement);
      regions.addAll(ofTurn.regions());
      System.arraycopy(ofTurn.sets(), 0, sets, span.first(), span.length());
    }
  }

  private static float[] ones(int length) {
    float[] ones = new float[length];
    Arrays.fill(ones, 1);
    return ones;
  }
}
