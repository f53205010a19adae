package org.grpo4j.trainer.weight;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.grpo4j.kernels.weight.Aggregation;
import org.grpo4j.torch.InputException;

/**
 * An objective with its aggregation over tokens, by TRL's names; gmpo and gpg are beyond TRL. grpo,
 * bnpo, dr_grpo, dapo and luspo are the clip objective under five weights.
 */
public enum LossType {
  GRPO(Aggregation.SEQ_MEAN_TOKEN_MEAN),
  /** Its denominators are each micro-batch's own, and the micro-batches are averaged. */
  BNPO(Aggregation.TOKEN_MEAN),
  DR_GRPO(Aggregation.SEQ_MEAN_TOKEN_SUM_NORM),
  DAPO(Aggregation.TOKEN_MEAN),
  CISPO(Aggregation.TOKEN_MEAN),
  SAPO(Aggregation.SEQ_MEAN_TOKEN_MEAN),
  VESPO(Aggregation.TOKEN_MEAN),
  LUSPO(Aggregation.SEQ_MEAN_TOKEN_SUM),
  /** Its −A·R is the sequence's: its tokens share it, and their mean is it. */
  GMPO(Aggregation.SEQ_MEAN_TOKEN_MEAN),
  GPG(Aggregation.TOKEN_MEAN);

  private final Aggregation aggregation;

  LossType(Aggregation aggregation) {
    this.aggregation = aggregation;
  }

  /** How tokens are weighed. */
  public Aggregation aggregation() {
    return aggregation;
  }

  /** Whether the denominators are each micro-batch's, instead of the whole optimizer step's. */
  public boolean perMicroBatch() {
    return this == BNPO;
  }

  /** The words of a configuration. */
  public static List<String> names() {
    return Arrays.stream(values()).map(type -> type.name().toLowerCase(Locale.ROOT)).toList();
  }

  /** The loss type of a configuration's word, for example dr_grpo. */
  public static LossType named(String name) {
    int at = names().indexOf(name);
    if (at < 0) {
      throw new InputException("unknown loss_type '" + name + "'; there are " + names());
    }
    return values()[at];
  }
}
