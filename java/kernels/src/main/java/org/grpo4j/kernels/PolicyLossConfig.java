package org.grpo4j.kernels;

import static org.grpo4j.kernels.Arguments.check;

/**
 * The token-level policy objective.
 *
 * @param clipLow the ratio is clipped to [1 − clipLow, 1 + clipHigh]
 * @param clipHigh see clipLow
 * @param dualClip bound c: the loss of a token with negative advantage A is at most −c·A; +∞ is off
 * @param delta upper bound on the ratio of the unclipped term (two-sided clipping); +∞ is off
 * @param klCoef factor of the KL estimate to the reference; not 0 needs refLogProbs
 * @param klEstimator which estimate
 * @param klBiasCorrected multiplies the KL estimate by the ratio, with its gradient
 * @param entropyCoef factor of the entropy bonus
 * @param temperature the logits are divided by it, for log-probs, entropy and gradient alike
 * @param zeroBadRows whether bad rows are zeroed and counted instead of being an error
 */
public record PolicyLossConfig(
    double clipLow,
    double clipHigh,
    double dualClip,
    double delta,
    double klCoef,
    KlEstimator klEstimator,
    boolean klBiasCorrected,
    double entropyCoef,
    double temperature,
    boolean zeroBadRows) {

  public PolicyLossConfig {
    check(clipLow >= 0, "clipLow is %s: want >= 0", clipLow);
    check(clipHigh >= 0, "clipHigh is %s: want >= 0", clipHigh);
    check(dualClip > 0, "dualClip is %s: want > 0, +Infinity for off", dualClip);
    check(delta > 0, "delta is %s: want > 0, +Infinity for off", delta);
    check(Double.isFinite(klCoef), "klCoef is %s: want a finite number", klCoef);
    check(Double.isFinite(entropyCoef), "entropyCoef is %s: want a finite number", entropyCoef);
    check(
        temperature > 0 && Double.isFinite(temperature),
        "temperature is %s: want > 0 and finite",
        temperature);
  }

  /** Everything at its default: clip 0.2 on both sides, nothing else. */
  public static PolicyLossConfig defaults() {
    return builder().build();
  }

  public static Builder builder() {
    return new Builder();
  }

  /** Collects what differs from the defaults. */
  public static final class Builder {
    private double clipLow = 0.2;
    private double clipHigh = 0.2;
    private double dualClip = Double.POSITIVE_INFINITY;
    private double delta = Double.POSITIVE_INFINITY;
    private double klCoef = 0;
    private KlEstimator klEstimator = KlEstimator.K3;
    private boolean klBiasCorrected = false;
    private double entropyCoef = 0;
    private double temperature = 1;
    private boolean zeroBadRows = false;

    private Builder() {}

    public Builder clipLow(double value) {
      clipLow = value;
      return this;
    }

    public Builder clipHigh(double value) {
      clipHigh = value;
      return this;
    }

    public Builder dualClip(double value) {
      dualClip = value;
      return this;
    }

    public Builder delta(double value) {
      delta = value;
      return this;
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

    public Builder zeroBadRows(boolean value) {
      zeroBadRows = value;
      return this;
    }

    public PolicyLossConfig build() {
      return new PolicyLossConfig(
          clipLow,
          clipHigh,
          dualClip,
          delta,
          klCoef,
          klEstimator,
          klBiasCorrected,
          entropyCoef,
          temperature,
          zeroBadRows);
    }
  }
}
