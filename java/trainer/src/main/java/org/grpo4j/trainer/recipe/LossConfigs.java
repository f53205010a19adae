package org.grpo4j.trainer.recipe;

import org.grpo4j.kernels.KlEstimator;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.trainer.config.ObjectiveSettings;

/** The kernel's settings from the run's. */
final class LossConfigs {
  private LossConfigs() {}

  static PolicyLossConfig of(ObjectiveSettings objective, double temperature) {
    Double delta = objective.delta();
    Double dualClip = objective.dualClip();
    return PolicyLossConfig.builder()
        .clipLow(objective.epsilon())
        .clipHigh(objective.clipHigh())
        .delta(delta == null ? Double.POSITIVE_INFINITY : delta)
        .dualClip(dualClip == null ? Double.POSITIVE_INFINITY : dualClip)
        .klCoef(objective.beta())
        .klEstimator(KlEstimator.valueOf(objective.klEstimator().name()))
        .entropyCoef(objective.entropyCoef())
        .temperature(temperature)
        .build();
  }
}
