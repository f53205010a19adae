package org.grpo4j.kernels;

import static org.grpo4j.kernels.Arguments.check;

import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativePolicyConfig;

/**
 * What loss is computed from a batch.
 *
 * @param objective ℓ
 * @param ratioLevel whose ratio the objective and a bias-corrected KL see
 * @param klCoef factor of the KL estimate to the reference; not 0 needs refLogProbs
 * @param klEstimator which estimate
 * @param klBiasCorrected multiplies the KL estimate by the ratio, with its gradient
 * @param entropyCoef factor of the entropy bonus
 * @param temperature the logits are divided by it, for log-probs, entropy and gradient alike; a
 *     batch with temperatures of its own overrules it
 * @param softCap c: a logit u counts as c·tanh(u/c), before the temperature; 0: none
 * @param accumulateGradient whether the gradient is added to what its memory holds; not in place
 * @param zeroBadRows whether bad rows are zeroed and counted instead of being an error
 */
public record PolicyLossConfig(
    PolicyObjective objective,
    RatioLevel ratioLevel,
    double klCoef,
    KlEstimator klEstimator,
    boolean klBiasCorrected,
    double entropyCoef,
    double temperature,
    double softCap,
    boolean accumulateGradient,
    boolean zeroBadRows) {

  public PolicyLossConfig {
    objective.checkLevel(ratioLevel);
    check(Double.isFinite(klCoef), "klCoef is %s: want a finite number", klCoef);
    check(Double.isFinite(entropyCoef), "entropyCoef is %s: want a finite number", entropyCoef);
    Arguments.temperature(temperature);
    Arguments.softCap(softCap);
  }

  /** Everything at its default: clip 0.2 on both sides, nothing else. */
  public static PolicyLossConfig defaults() {
    return builder().build();
  }

  public static Builder builder() {
    return new Builder();
  }

  /** A builder that starts from this. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.objective = objective;
    builder.ratioLevel = ratioLevel;
    builder.klCoef = klCoef;
    builder.klEstimator = klEstimator;
    builder.klBiasCorrected = klBiasCorrected;
    builder.entropyCoef = entropyCoef;
    builder.temperature = temperature;
    builder.softCap = softCap;
    builder.accumulateGradient = accumulateGradient;
    builder.zeroBadRows = zeroBadRows;
    return builder;
  }

  int flags() {
    return (zeroBadRows ? Native.GRPO4J_ZERO_BAD_ROWS : 0)
        | (accumulateGradient ? Native.GRPO4J_ACCUMULATE : 0);
  }

  void describeTo(NativePolicyConfig to) {
    // The native side checks every objective's settings, used or not.
    PolicyObjective.clip().describeTo(to);
    new PolicyObjective.Sapo().describeTo(to);
    new PolicyObjective.Vespo().describeTo(to);
    objective.describeTo(to);
    to.ratio_level(ratioLevel.code())
        .kl_coef(klCoef)
        .entropy_coef(entropyCoef)
        .kl_estimator(klEstimator.code())
        .kl_bias_corrected(klBiasCorrected ? 1 : 0);
  }

  /** Collects what differs from the defaults. */
  public static final class Builder {
    private PolicyObjective objective = PolicyObjective.clip();
    private RatioLevel ratioLevel = RatioLevel.TOKEN;
    private double klCoef = 0;
    private KlEstimator klEstimator = KlEstimator.K3;
    private boolean klBiasCorrected = false;
    private double entropyCoef = 0;
    private double temperature = 1;
    private double softCap = 0;
    private boolean accumulateGradient = false;
    private boolean zeroBadRows = false;

    private Builder() {}

    public Builder objective(PolicyObjective value) {
      objective = value;
      return this;
    }

    public Builder ratioLevel(RatioLevel value) {
      ratioLevel = value;
      return this;
    }

    private PolicyObjective.Clip clip(String setting) {
      if (objective instanceof PolicyObjective.Clip clip) {
        return clip;
      }
      throw Arguments.invalid(
          "%s is a setting of the clip objective: give it to %s instead", setting, objective);
    }

    /** Of the clip objective, as are clipHigh, dualClip and delta. */
    public Builder clipLow(double value) {
      PolicyObjective.Clip c = clip("clipLow");
      return objective(new PolicyObjective.Clip(value, c.clipHigh(), c.dualClip(), c.delta()));
    }

    public Builder clipHigh(double value) {
      PolicyObjective.Clip c = clip("clipHigh");
      return objective(new PolicyObjective.Clip(c.clipLow(), value, c.dualClip(), c.delta()));
    }

    public Builder dualClip(double value) {
      PolicyObjective.Clip c = clip("dualClip");
      return objective(new PolicyObjective.Clip(c.clipLow(), c.clipHigh(), value, c.delta()));
    }

    public Builder delta(double value) {
      PolicyObjective.Clip c = clip("delta");
      return objective(new PolicyObjective.Clip(c.clipLow(), c.clipHigh(), c.dualClip(), value));
    }

    public Builder klCoef(double value) {
      klCoef = value;
      return this;
    }

    public Builder klEstimator(KlEstimator value) {
      klEstimator = value;
      return this;
    }

    public Builder klBiasCorrected(boolean value) {
      klBiasCorrected = value;
      return this;
    }

    public Builder entropyCoef(double value) {
      entropyCoef = value;
      return this;
    }

    public Builder temperature(double value) {
      temperature = value;
      return this;
    }

    public Builder softCap(double value) {
      softCap = value;
      return this;
    }

    public Builder accumulateGradient(boolean value) {
      accumulateGradient = value;
      return this;
    }

    public Builder zeroBadRows(boolean value) {
      zeroBadRows = value;
      return this;
    }

    public PolicyLossConfig build() {
      return new PolicyLossConfig(
          objective,
          ratioLevel,
          klCoef,
          klEstimator,
          klBiasCorrected,
          entropyCoef,
          temperature,
          softCap,
          accumulateGradient,
          zeroBadRows);
    }
  }
}
