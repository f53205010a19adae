package org.grpo4j.trainer.weight;

import org.grpo4j.torch.InputException;

/**
 * TRL's loss_type as an aggregation: its losses of these names are one objective under four
 * weights.
 *
 * @param aggregation how tokens are weighed
 * @param perMicroBatch whether the denominators are each micro-batch's own, the micro-batches then
 *     averaged (bnpo), instead of the whole optimizer step's
 */
public record TrlLossType(Aggregation aggregation, boolean perMicroBatch) {

  /** The setting of grpo, bnpo, dapo or dr_grpo. */
  public static TrlLossType named(String lossType) {
    return switch (lossType) {
      case "grpo" -> new TrlLossType(Aggregation.SEQ_MEAN_TOKEN_MEAN, false);
      case "bnpo" -> new TrlLossType(Aggregation.TOKEN_MEAN, true);
      case "dapo" -> new TrlLossType(Aggregation.TOKEN_MEAN, false);
      case "dr_grpo" -> new TrlLossType(Aggregation.SEQ_MEAN_TOKEN_SUM_NORM, false);
      default ->
          throw new InputException(
              "unknown loss_type '" + lossType + "'; there are grpo, bnpo, dapo and dr_grpo");
    };
  }
}
