package org.grpo4j.trainer.config;

/**
 * AdamW, its schedule, and the batches it sees.
 *
 * @param perDeviceTrainBatchSize sequences per micro-batch
 * @param gradientAccumulationSteps micro-batches per optimizer step
 * @param learningRate peak learning rate
 * @param lrSchedulerType shape of the schedule
 * @param warmupSteps optimizer steps of linear warm-up
 * @param warmupRatio the same as a fraction of all steps, used when warmupSteps is 0
 * @param weightDecay decoupled weight decay
 * @param adamBeta1 decay of the first moment
 * @param adamBeta2 decay of the second moment
 * @param adamEpsilon added to the root of the second moment
 * @param maxGradNorm gradients are scaled down to this norm; 0: never
 * @param maxSteps optimizer steps; −1: numTrainEpochs decides
 * @param numTrainEpochs passes over the training prompts
 */
public record OptimizerSettings(
    @Key(
            byDefault = "8",
            min = 1,
            source = "TRL",
            doc = "Sequences (train: completions) per micro-batch.")
        int perDeviceTrainBatchSize,
    @Key(byDefault = "1", min = 1, source = "TRL", doc = "Micro-batches per optimizer step.")
        int gradientAccumulationSteps,
    @Key(byDefault = "1.0e-6", min = 0, source = "TRL", doc = "Peak learning rate.")
        double learningRate,
    @Key(byDefault = "linear", source = "transformers", doc = "Shape after the warm-up.")
        Scheduler lrSchedulerType,
    @Key(byDefault = "0", min = 0, source = "transformers", doc = "Optimizer steps of warm-up.")
        int warmupSteps,
    @Key(
            byDefault = "0.0",
            min = 0,
            max = 1,
            source = "transformers",
            doc = "Warm-up as a fraction of all steps; used while warmup_steps is 0.")
        double warmupRatio,
    @Key(byDefault = "0.0", min = 0, source = "transformers", doc = "Decoupled weight decay.")
        double weightDecay,
    @Key(byDefault = "0.9", min = 0, max = 1, source = "transformers", doc = "AdamW's beta 1.")
        double adamBeta1,
    @Key(byDefault = "0.999", min = 0, max = 1, source = "transformers", doc = "AdamW's beta 2.")
        double adamBeta2,
    @Key(
            byDefault = "1.0e-8",
            min = 0,
            aboveMin = true,
            source = "transformers",
            doc = "AdamW's epsilon.")
        double adamEpsilon,
    @Key(
            byDefault = "1.0",
            min = 0,
            source = "transformers",
            doc = "Gradients are scaled down to this norm; 0: never.")
        double maxGradNorm,
    @Key(
            byDefault = "-1",
            min = -1,
            source = "transformers",
            doc = "Optimizer steps; -1: num_train_epochs decides.")
        int maxSteps,
    @Key(
            byDefault = "3.0",
            min = 0,
            aboveMin = true,
            source = "transformers",
            doc = "Passes over the training prompts, while max_steps is -1.")
        double numTrainEpochs) {

  /** Shapes of the learning rate over the steps. */
  public enum Scheduler {
    CONSTANT,
    CONSTANT_WITH_WARMUP,
    COSINE,
    LINEAR
  }

  /** Steps of warm-up of a run of {@code totalSteps}: none for the plain constant schedule. */
  public int warmup(int totalSteps) {
    if (lrSchedulerType == Scheduler.CONSTANT) {
      return 0;
    }
    return warmupSteps > 0 ? warmupSteps : (int) Math.ceil(warmupRatio * totalSteps);
  }

  /**
   * The factor on the learning rate at optimizer step {@code step} (0 first) of {@code totalSteps},
   * as transformers' get_scheduler computes it.
   */
  public double scheduleFactor(int step, int totalSteps) {
    int warmup = warmup(totalSteps);
    if (step < warmup) {
      return (double) step / Math.max(1, warmup);
    }
    double progress = (double) (step - warmup) / Math.max(1, totalSteps - warmup);
    return switch (lrSchedulerType) {
      case CONSTANT, CONSTANT_WITH_WARMUP -> 1.0;
      case LINEAR -> Math.max(0.0, 1.0 - progress);
      case COSINE -> Math.max(0.0, 0.5 * (1.0 + Math.cos(Math.PI * progress)));
    };
  }
}
