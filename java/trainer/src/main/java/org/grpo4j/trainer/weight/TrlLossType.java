package org.grpo4j.trainer.weight;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.grpo4j.kernels.weight.Aggregation;
import org.grpo4j.torch.InputException;

/**
 * The aggregation of each of TRL's loss types, and of gmpo and gpg, which TRL lacks. grpo, bnpo,
 * dapo and dr_grpo are one objective under four weights; cispo, sapo, vespo, luspo, gmpo and gpg
 * bring an objective of their own.
 *
 * @param aggregation how tokens are weighed
 * @param perMicroBatch whether the denominators are each micro-batch's own, the micro-batches then
 *     averaged (bnpo), instead of the whole optimizer step's
 */
public record TrlLossType(Aggregation aggregation, boolean perMicroBatch) {
  private static final Map<String, TrlLossType> BY_NAME = byName();

  private static Map<String, TrlLossType> byName() {
    Map<String, TrlLossType> types = new LinkedHashMap<>();
    types.put("grpo", new TrlLossType(Aggregation.SEQ_MEAN_TOKEN_MEAN, false));
    types.put("bnpo", new TrlLossType(Aggregation.TOKEN_MEAN, true));
    types.put("dapo", new TrlLossType(Aggregation.TOKEN_MEAN, false));
    types.put("dr_grpo", new TrlLossType(Aggregation.SEQ_MEAN_TOKEN_SUM_NORM, false));
    types.put("cispo", new TrlLossType(Aggregation.TOKEN_MEAN, false));
    types.put("sapo", new TrlLossType(Aggregation.SEQ_MEAN_TOKEN_MEAN, false));
    types.put("vespo", new TrlLossType(Aggregation.TOKEN_MEAN, false));
    types.put("luspo", new TrlLossType(Aggregation.SEQ_MEAN_TOKEN_SUM, false));
    // GMPO's -A R is the sequence's: its tokens share it, and their mean is it.
    types.put("gmpo", new TrlLossType(Aggregation.SEQ_MEAN_TOKEN_MEAN, false));
    types.put("gpg", new TrlLossType(Aggregation.TOKEN_MEAN, false));
    return Collections.unmodifiableMap(types);
  }

  /** Every name, TRL's first, in the order of its documentation. */
  public static Set<String> names() {
    return BY_NAME.keySet();
  }

  public static TrlLossType named(String lossType) {
    TrlLossType type = BY_NAME.get(lossType);
    if (type == null) {
      throw new InputException("unknown loss_type '" + lossType + "'; there are " + names());
    }
    return type;
  }
}
