package org.grpo4j.trainer.recipe;

import java.util.List;
import java.util.stream.IntStream;
import org.grpo4j.kernels.weight.RolloutCorrection;
import org.grpo4j.kernels.weight.TokenMasks;
import org.grpo4j.kernels.weight.TokenWeights;
import org.grpo4j.trainer.config.ObjectiveSettings;
import org.grpo4j.trainer.config.TrainConfig;
import org.grpo4j.trainer.weight.LossType;
import org.jspecify.annotations.Nullable;

/** The two weights of every token of an optimizer step, from the run's settings. */
final class StepWeights {
  private StepWeights() {}

  /**
   * Mask, aggregation, ResT's weights and the factors of the policy term.
   *
   * @param batch completions of the optimizer step
   * @param microBatchEnds completions up to the end of each micro-batch
   * @param currentLogProbs of every token under the policy as it is, null where no mask needs them
   */
  static TokenWeights of(
      TrainConfig config,
      List<ScoredCompletion> batch,
      int[] microBatchEnds,
      @Nullable List<float[]> currentLogProbs) {
    LossType lossType = config.objective().lossType();
    float[][] mask = batch.stream().map(c -> completionMask(config, c)).toArray(float[][]::new);
    TokenWeights.Input input =
        TokenWeights.Input.of(
                mask, lossType.aggregation(), config.generation().maxCompletionLength())
            .withTokenWeights(
                batch.stream().map(ScoredCompletion::tokenWeights).toArray(float[][]::new));
    float[][] factors = policyFactors(config.objective(), batch, mask, currentLogProbs);
    if (factors != null) {
      input = input.withCorrection(factors);
    }
    if (lossType.perMicroBatch()) {
      input = input.withMicroBatches(sizes(microBatchEnds));
    }
    return TokenWeights.compute(input);
  }

  /**
   * Tokens that count: all that were sampled, or none of a completion that is left out because it
   * was cut off.
   */
  static int trainedLength(TrainConfig config, ScoredCompletion c) {
    boolean left = config.objective().maskTruncatedCompletions() && !c.completion().finished();
    return left ? 0 : c.completion().sampledLength();
  }

  private static float[] completionMask(TrainConfig config, ScoredCompletion c) {
    return trainedLength(config, c) == 0 ? new float[c.length()] : c.completion().sampledMask();
  }

  private static int[] sizes(int[] ends) {
    return IntStream.range(0, ends.length).map(i -> ends[i] - (i == 0 ? 0 : ends[i - 1])).toArray();
  }

  /** Rollout correction and masks, multiplied; null where there is none. */
  private static float @Nullable [][] policyFactors(
      ObjectiveSettings objective,
      List<ScoredCompletion> batch,
      float[][] mask,
      @Nullable List<float[]> currentLogProbs) {
    float[][] factors = null;
    if (objective.rolloutCorrection() != ObjectiveSettings.RolloutCorrection.NONE) {
      factors = correction(objective, batch, mask);
    }
    if (objective.topEntropyQuantile() < 1) {
      double[][] entropies =
          batch.stream().map(c -> doubles(c.completion().entropies())).toArray(double[][]::new);
      factors =
          product(factors, TokenMasks.topEntropy(mask, entropies, objective.topEntropyQuantile()));
    }
    Double threshold = objective.offPolicyMaskThreshold();
    if (threshold != null && currentLogProbs != null) {
      factors =
          product(
              factors,
              TokenMasks.offPolicySequences(
                  batch.stream().mapToDouble(ScoredCompletion::advantage).toArray(),
                  currentLogProbs.stream().map(StepWeights::doubles).toArray(double[][]::new),
                  batch.stream().map(c -> doubles(c.oldLogProbs())).toArray(double[][]::new),
                  mask,
                  threshold));
    }
    return factors;
  }

  private static float[][] product(float @Nullable [][] factors, float[][] more) {
    return factors == null ? more : TokenMasks.product(factors, more);
  }

  private static float[][] correction(
      ObjectiveSettings objective, List<ScoredCompletion> batch, float[][] mask) {
    Double least = objective.rolloutCorrectionMin();
    RolloutCorrection rule =
        objective.rolloutCorrection() == ObjectiveSettings.RolloutCorrection.TRUNCATE
            ? RolloutCorrection.truncate(objective.rolloutCorrectionCap())
            : RolloutCorrection.mask(least == null ? 0 : least, objective.rolloutCorrectionCap());
    return rule.factors(
        batch.stream().map(ScoredCompletion::oldLogProbs).toArray(float[][]::new),
        batch.stream().map(c -> c.completion().samplingLogProbs()).toArray(float[][]::new),
        mask);
  }

  private static double[] doubles(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(t -> values[t]).toArray();
  }
}
