package org.grpo4j.trainer.config;

import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.advantage.AdvantageEstimator;

/**
 * Settings of {@code ./grpo4j train}. The keys are flat in files and on the command line; the
 * records only group them by concern.
 *
 * @param model checkpoint and chat template
 * @param data prompts
 * @param generation rollouts
 * @param environment conversations with tools
 * @param objective loss and advantages
 * @param weighting token weights
 * @param reward reward functions
 * @param optimizer AdamW and batches
 * @param runtime seed, threads, instruction set
 * @param run run folder and logging
 * @param diagnostics what is measured beside
 */
@Defaults(
    embeddedTask = "train-embedded.yaml",
    embeddedMultiTurn = "train-embedded-multi-turn.yaml")
public record TrainConfig(
    ModelSettings model,
    DataSettings data,
    GenerationSettings generation,
    EnvironmentSettings environment,
    ObjectiveSettings objective,
    WeightingSettings weighting,
    RewardSettings reward,
    OptimizerSettings optimizer,
    RuntimeSettings runtime,
    RunSettings run,
    DiagnosticsSettings diagnostics) {

  /** Checks what concerns several keys, as TRL's GRPOConfig does. */
  public TrainConfig {
    int accumulation = optimizer.gradientAccumulationSteps();
    int micro = optimizer.perDeviceTrainBatchSize();
    Integer batch = generation.generationBatchSize();
    Integer steps = generation.stepsPerGeneration();
    if (batch != null && batch % micro != 0) {
      throw new InputException(
          "generation_batch_size %d is not a multiple of per_device_train_batch_size %d"
              .formatted(batch, micro));
    }
    if (batch != null && steps != null && batch != micro * steps) {
      throw new InputException(
          "generation_batch_size %d contradicts steps_per_generation %d x per_device_train_batch_size %d = %d: set one of the first two"
              .formatted(batch, steps, micro, micro * steps));
    }
    int resolvedSteps = steps != null ? steps : batch != null ? batch / micro : accumulation;
    if (resolvedSteps % accumulation != 0) {
      throw new InputException(
          "steps_per_generation %d is not a multiple of gradient_accumulation_steps %d: an optimizer step would mix two rollouts"
              .formatted(resolvedSteps, accumulation));
    }
    int completions = resolvedSteps * micro;
    if (completions % generation.numGenerations() != 0) {
      throw new InputException(
          "generation_batch_size %d (per_device_train_batch_size %d x steps_per_generation %d) is not a multiple of num_generations %d"
              .formatted(completions, micro, resolvedSteps, generation.numGenerations()));
    }
    if (generation.numGenerations() == 1
        && (objective.zeroSpreadGroups() != ObjectiveSettings.ZeroSpread.KEEP
            || objective.advantageEstimator() == AdvantageEstimator.GRPO_PASSK)) {
      throw new InputException(
          "num_generations 1 leaves nothing to compare within a group: give at least 2 (or"
              + " zero_spread_groups=keep with an advantage_estimator other than grpo_passk)");
    }
    if (reward.rewardFuncs().isEmpty()) {
      throw new InputException("reward_funcs is empty: name at least one, for example [toolrl]");
    }
    environment.requireFitting(reward);
    if (reward.rewardWeights() != null
        && reward.rewardWeights().size() != reward.rewardFuncs().size()) {
      throw new InputException(
          "reward_weights has %d values, reward_funcs %d: give one weight per function"
              .formatted(reward.rewardWeights().size(), reward.rewardFuncs().size()));
    }
    Double low = objective.rolloutCorrectionMin();
    if (low != null && low > objective.rolloutCorrectionCap()) {
      throw new InputException(
          "rollout_correction_min %s is above rollout_correction_cap %s"
              .formatted(low, objective.rolloutCorrectionCap()));
    }
  }

  /** Micro-batches per rollout: as set, or from generation_batch_size, or one optimizer step's. */
  public int stepsPerGeneration() {
    Integer steps = generation.stepsPerGeneration();
    if (steps != null) {
      return steps;
    }
    Integer batch = generation.generationBatchSize();
    return batch != null
        ? batch / optimizer.perDeviceTrainBatchSize()
        : optimizer.gradientAccumulationSteps();
  }

  /** Completions per rollout. */
  public int generationBatchSize() {
    return stepsPerGeneration() * optimizer.perDeviceTrainBatchSize();
  }

  /** Prompts per rollout. */
  public int promptsPerRollout() {
    return generationBatchSize() / generation.numGenerations();
  }

  /** Prompts whose completions are sampled together. */
  public int promptsSampledTogether() {
    Integer completions = generation.perDeviceGenerationBatchSize();
    return completions == null
        ? promptsPerRollout()
        : Math.min(promptsPerRollout(), Math.max(1, completions / generation.numGenerations()));
  }

  /** Optimizer steps taken on each rollout. */
  public int updatesPerRollout() {
    return stepsPerGeneration()
        / optimizer.gradientAccumulationSteps()
        * generation.numIterations();
  }

  /** The part of the run that is done, in [0, 1]: of its tokens where they are limited. */
  public double progress(int step, int totalSteps, long tokens) {
    Long limit = generation.maxTokens();
    double done = limit != null ? (double) tokens / limit : (double) step / Math.max(1, totalSteps);
    return Math.min(1, done);
  }

  /** Optimizer steps of the whole run on {@code prompts} training prompts. */
  public int totalSteps(long prompts) {
    if (optimizer.maxSteps() >= 0) {
      return optimizer.maxSteps();
    }
    double rollouts = Math.ceil(prompts * optimizer.numTrainEpochs() / promptsPerRollout());
    return (int) Math.min(Integer.MAX_VALUE, rollouts * updatesPerRollout());
  }
}
