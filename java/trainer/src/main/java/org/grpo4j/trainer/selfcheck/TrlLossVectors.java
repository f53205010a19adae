package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.grpo4j.trainer.weight.LossType;

/**
 * TRL's GRPO loss: every loss type through the kernels' public API. Aggregation, rollout
 * correction, top-entropy mask and off-policy mask are weights.
 */
public final class TrlLossVectors extends LossVectorChecker {
  private static final List<String> LEVELS = List.of("token", "sequence", "sequence_token");

  /** LossType has two that TRL's trainer has not. */
  private static final List<String> LOSS_TYPES =
      LossType.names().stream().filter(type -> !Set.of("gmpo", "gpg").contains(type)).toList();

  private static final Set<String> SETTINGS =
      Set.of(
          "beta",
          "delta",
          "epsilon_low",
          "epsilon_high",
          "top_entropy_quantile",
          "off_policy_mask_threshold",
          "entropy_coef",
          "use_bias_correction_kl",
          "max_completion_length",
          "importance_sampling_ratio",
          "sapo_temperature_pos",
          "sapo_temperature_neg",
          "vespo_k_pos",
          "vespo_lambda_pos",
          "vespo_k_neg",
          "vespo_lambda_neg");

  public TrlLossVectors() {
    super(Set.of("loss_type", "importance_sampling_level"), SETTINGS);
  }

  @Override
  void checkCase(Path file, JsonNode vector, CheckReport report) {
    if (known(file, vector, "loss_type", LOSS_TYPES, report)
        && known(file, vector, "importance_sampling_level", LEVELS, report)) {
      TrlLossCase trl = new TrlLossCase(vector);
      trl.compare(comparison(file, vector, trl.magnitude(), report));
    }
  }
}
