package org.grpo4j.trainer.recipe;

import java.util.Locale;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyObjective;
import org.grpo4j.kernels.RatioLevel;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.config.ObjectiveSettings;
import org.jspecify.annotations.Nullable;

/** The kernel's settings from the run's. */
final class LossConfigs {
  private LossConfigs() {}

  static PolicyLossConfig of(ObjectiveSettings settings, double temperature) {
    PolicyObjective objective = objective(settings);
    return PolicyLossConfig.builder()
        .objective(objective)
        .ratioLevel(
            objective instanceof PolicyObjective.Vespo || objective instanceof PolicyObjective.Gmpo
                ? RatioLevel.SEQUENCE
                : settings.importanceSamplingLevel())
        .klCoef(settings.beta())
        .klEstimator(settings.klEstimator())
        .klBiasCorrected(settings.useBiasCorrectionKl())
        .entropyCoef(settings.entropyCoef())
        .temperature(temperature)
        .build();
  }

  private static PolicyObjective objective(ObjectiveSettings settings) {
    return switch (settings.lossType()) {
      case GRPO, BNPO, DR_GRPO, DAPO, LUSPO ->
          new PolicyObjective.Clip(
              settings.epsilon(),
              settings.clipHigh(),
              orOff(settings.dualClip()),
              orOff(settings.delta()));
      case CISPO -> {
        if (settings.epsilonHigh() == null) {
          throw new InputException(
              "epsilon_high is unset: loss_type cispo bounds the ratio itself with it; 5.0 is usual");
        }
        yield new PolicyObjective.Cispo(settings.epsilonHigh());
      }
      case SAPO ->
          new PolicyObjective.Sapo(settings.sapoTemperaturePos(), settings.sapoTemperatureNeg());
      case GMPO -> new PolicyObjective.Gmpo(settings.epsilon(), settings.clipHigh());
      case GPG -> new PolicyObjective.Gpg();
      case VESPO -> {
        // A factor on the policy term would not be VESPO's, which has it inside its own weight.
        if (settings.rolloutCorrection() != ObjectiveSettings.RolloutCorrection.NONE) {
          throw new InputException(
              "rollout_correction is "
                  + settings.rolloutCorrection().name().toLowerCase(Locale.ROOT)
                  + ": loss_type vespo weighs whole sequences itself; set it to none");
        }
        yield new PolicyObjective.Vespo(
            settings.vespoKPos(),
            settings.vespoLambdaPos(),
            settings.vespoKNeg(),
            settings.vespoLambdaNeg());
      }
    };
  }

  private static double orOff(@Nullable Double bound) {
    return bound == null ? Double.POSITIVE_INFINITY : bound;
  }
}
