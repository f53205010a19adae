package org.grpo4j.trainer.config;

import org.grpo4j.kernels.KlEstimator;
import org.grpo4j.kernels.RatioLevel;
import org.grpo4j.trainer.advantage.AdvantageEstimator;
import org.grpo4j.trainer.advantage.ScaleRewards;
import org.grpo4j.trainer.weight.LossType;
import org.jspecify.annotations.Nullable;

/**
 * The policy objective and its advantages.
 *
 * @param beta coefficient of the KL to the reference; 0: no reference model is held
 * @param epsilon lower clip bound, 1 − ε
 * @param epsilonHigh upper clip bound, 1 + ε; null: the same as epsilon
 * @param delta two-sided bound on the ratio; null: off
 * @param dualClip bound of the loss for negative advantages; null: off
 * @param entropyCoef coefficient of the entropy bonus
 * @param klEstimator estimator of the KL
 * @param useBiasCorrectionKl whether the KL is multiplied by the ratio
 * @param lossType objective and aggregation over tokens
 * @param importanceSamplingLevel whose ratio the objective sees
 * @param sapoTemperaturePos SAPO's τ for A &gt; 0
 * @param sapoTemperatureNeg SAPO's τ for the rest
 * @param vespoKPos VESPO's k for A ≥ 0
 * @param vespoLambdaPos VESPO's λ for A ≥ 0
 * @param vespoKNeg VESPO's k for A &lt; 0
 * @param vespoLambdaNeg VESPO's λ for A &lt; 0
 * @param scaleRewards divisor of the advantage
 * @param advantageEstimator how rewards become advantages
 * @param maskTruncatedCompletions leave completions without an end token out of the loss
 * @param zeroSpreadGroups what happens to groups whose rewards are all equal
 * @param topEntropyQuantile fraction of the tokens, of highest entropy, that have a policy term
 * @param offPolicyMaskThreshold of a completion's mean old − logProb; null: off
 * @param rolloutCorrection treatment of the ratio between trainer and sampler
 * @param rolloutCorrectionCap its upper bound
 * @param rolloutCorrectionMin its lower bound, for mask; null: 0
 */
public record ObjectiveSettings(
    @Key(
            byDefault = "0.0",
            min = 0,
            source = "TRL",
            doc = "Coefficient of the KL to the reference model; 0 holds no reference model.")
        double beta,
    @Key(byDefault = "0.2", min = 0, source = "TRL", doc = "Clip: the ratio stays above 1 - this.")
        double epsilon,
    @Key(
            byDefault = "null",
            min = 0,
            source = "TRL",
            doc = "Clip: the ratio stays below 1 + this; unset: epsilon (DAPO: 0.28).")
        @Nullable Double epsilonHigh,
    @Key(
            byDefault = "null",
            min = 1,
            aboveMin = true,
            source = "TRL",
            doc = "Two-sided clip: upper bound of the ratio where the advantage is negative.")
        @Nullable Double delta,
    @Key(
            byDefault = "null",
            min = 1,
            aboveMin = true,
            source = "verl",
            doc = "Dual clip constant c for negative advantages (verl: 3); unset: off.")
        @Nullable Double dualClip,
    @Key(byDefault = "0.0", min = 0, doc = "Coefficient of the entropy bonus.") double entropyCoef,
    @Key(byDefault = "k3", source = "TRL", doc = "Estimator of the KL.") KlEstimator klEstimator,
    @Key(
            byDefault = "false",
            source = "TRL",
            doc =
                "Multiply the KL by the ratio, which corrects its gradient for off-policy tokens.")
        boolean useBiasCorrectionKl,
    @Key(
            byDefault = "dapo",
            source = "TRL",
            doc =
                "The clip objective as grpo (mean of sequence means), bnpo (token mean of the"
                    + " micro-batch), dr_grpo (sum / (completions x max_completion_length)), dapo"
                    + " (token mean of the optimizer step) or luspo (mean of sequence sums); or"
                    + " cispo (epsilon_high bounds the ratio itself), sapo, vespo; beyond TRL gmpo"
                    + " (epsilon and epsilon_high bound the log-ratio, 0.4 in its paper) and gpg"
                    + " (no ratio, token mean).")
        LossType lossType,
    @Key(
            byDefault = "token",
            source = "TRL",
            doc =
                "Whose ratio the objective sees: token, sequence (GSPO), sequence_token"
                    + " (GSPO-token).")
        RatioLevel importanceSamplingLevel,
    @Key(byDefault = "1.0", min = 0, aboveMin = true, source = "TRL", doc = "SAPO: tau for A > 0.")
        double sapoTemperaturePos,
    @Key(
            byDefault = "1.05",
            min = 0,
            aboveMin = true,
            source = "TRL",
            doc = "SAPO: tau for A <= 0.")
        double sapoTemperatureNeg,
    @Key(byDefault = "2.0", min = 0, source = "TRL", doc = "VESPO: k for A >= 0.") double vespoKPos,
    @Key(
            byDefault = "3.0",
            min = 0,
            aboveMin = true,
            source = "TRL",
            doc = "VESPO: lambda for A >= 0.")
        double vespoLambdaPos,
    @Key(byDefault = "3.0", min = 0, source = "TRL", doc = "VESPO: k for A < 0.") double vespoKNeg,
    @Key(
            byDefault = "2.0",
            min = 0,
            aboveMin = true,
            source = "TRL",
            doc = "VESPO: lambda for A < 0.")
        double vespoLambdaNeg,
    @Key(
            byDefault = "group",
            source = "TRL",
            doc = "Advantages are divided by the group's or batch's standard deviation, or not.")
        ScaleRewards scaleRewards,
    @Key(byDefault = "grpo", source = "TRL", doc = "How rewards become advantages.")
        AdvantageEstimator advantageEstimator,
    @Key(
            byDefault = "false",
            source = "TRL",
            doc = "Leave completions that reached no end token out of the loss.")
        boolean maskTruncatedCompletions,
    @Key(
            byDefault = "drop",
            doc =
                "Groups whose rewards are all equal: drop (not trained on), keep (weights count"
                    + " them), resample (draw other prompts).")
        ZeroSpread zeroSpreadGroups,
    @Key(
            byDefault = "1.0",
            min = 0,
            max = 1,
            source = "TRL",
            doc =
                "Only this fraction of the trained tokens, those of the highest entropy (as"
                    + " sampled), has a policy term (0.2 in arXiv 2506.01939); 1: all, 0: the"
                    + " highest alone.")
        double topEntropyQuantile,
    @Key(
            byDefault = "null",
            source = "TRL",
            doc =
                "Completions of negative advantage whose mean old - current log-prob is above this"
                    + " have no policy term; costs a forward pass per update. Unset: off.")
        @Nullable Double offPolicyMaskThreshold,
    @Key(
            byDefault = "none",
            doc =
                "Detached factor trainer/sampler probability on the policy term: truncate it to the"
                    + " cap, or mask tokens outside [min, cap].")
        RolloutCorrection rolloutCorrection,
    @Key(byDefault = "2.0", min = 0, aboveMin = true, source = "TRL", doc = "Cap of that factor.")
        double rolloutCorrectionCap,
    @Key(byDefault = "null", min = 0, doc = "Lower bound for mask; unset: 0.")
        @Nullable Double rolloutCorrectionMin) {

  /** The upper clip distance: epsilon_high, or epsilon where that is unset. */
  public double clipHigh() {
    return epsilonHigh == null ? epsilon : epsilonHigh;
  }

  /** What happens to groups without spread. */
  public enum ZeroSpread {
    DROP,
    KEEP,
    RESAMPLE
  }

  /** Treatment of the ratio between trainer and sampler. */
  public enum RolloutCorrection {
    NONE,
    TRUNCATE,
    MASK
  }
}
