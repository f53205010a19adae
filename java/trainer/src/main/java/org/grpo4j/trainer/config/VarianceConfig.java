package org.grpo4j.trainer.config;

import org.grpo4j.torch.InputException;

/**
 * Settings of {@code ./grpo4j variance}: those of {@code train}, whose objective, rewards and batch
 * are measured at a fixed checkpoint, and how much is sampled.
 *
 * @param train the objective to measure
 * @param measurement how much, and where it goes
 */
@Defaults(embeddedTask = "train-embedded.yaml")
public record VarianceConfig(TrainConfig train, Measurement measurement) {

  /**
   * How much is sampled.
   *
   * @param varianceBatches rollouts, taken in pairs
   * @param varianceProgress the moment of the curriculum that is measured
   */
  public record Measurement(
      @Key(byDefault = "32", min = 2, doc = "Rollouts sampled; an even number, taken in pairs.")
          int varianceBatches,
      @Key(
              byDefault = "0.0",
              min = 0,
              max = 1,
              doc = "Part of a run at which ResT's weights and reward schedules are taken.")
          double varianceProgress) {
    /** Checks the number. */
    public Measurement {
      if (varianceBatches % 2 != 0) {
        throw new InputException(
            "variance_batches=%d: want an even number, they are taken in pairs"
                .formatted(varianceBatches));
      }
    }
  }
}
