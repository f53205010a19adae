package org.grpo4j.kernels;

import static org.grpo4j.kernels.Arguments.check;

import java.nio.ByteBuffer;
import org.grpo4j.kernels.internal.Native;

/**
 * What loss is computed from a batch.
 *
 * @param objective ℓ
 * @param ratioLevel whose ratio the objective and a bias-corrected KL see
 * @param klCoef factor of the KL estimate to the reference; not 0 needs refLogProbs
 * @param klEstimator which estimate
 * @param klBiasCorrected multiplies the KL estimate by the ratio, with its gradient
 * @param entropyCoef factor of the entropy bonus
 * @param temperature the logits are divided by it, for log-probs, entropy and gradient alike, 1e-12
 *     to 1e12; a batch with temperatures of its own overrules it
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
  private static final PolicyObjective.Sapo DEFAULT_SAPO = new PolicyObjective.Sapo();
  private static final PolicyObjective.Vespo DEFAULT_VESPO = new PolicyObjective.Vespo();

  public PolicyLossConfig {
    Arguments.present("objective", objective);
    Arguments.present("ratioLevel", ratioLevel);
    Arguments.present("klEstimator", klEstimator);
    boolean sequenceOnly =
        objective instanceof PolicyObjective.Gmpo || objective instanceof PolicyObjective.Vespo;
    if (sequenceOnly && ratioLevel != RatioLevel.SEQUENCE) {
      throw Arguments.invalid(
          "ratioLevel is %s: want SEQUENCE, the objective %s has one ratio per sequence",
          ratioLevel, objective);
    }
    check(Double.isFinite(klCoef), "klCoef is %s: want a finite number", klCoef);
    check(Double.isFinite(entropyCoef), "entropyCoef is %s: want a finite number", entropyCoef);
    Arguments.temperature(temperature);
    Arguments.softCap(softCap);
  }

  /** Everything at its default: clip 0.2 on both sides, nothing else. */
  public static PolicyLossConfig defaults() {
    return builder().build();
  }

  /** A builder that starts from {@link #defaults}. */
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

  void describeTo(ByteBuffer to, int at) {
    // The native side checks every objective's settings, used or not: the others' are set to
    // theirs.
    clipTo(to, at, objective instanceof PolicyObjective.Clip c ? c : PolicyObjective.clip());
    sapoTo(to, at, objective instanceof PolicyObjective.Sapo s ? s : DEFAULT_SAPO);
    vespoTo(to, at, objective instanceof PolicyObjective.Vespo v ? v : DEFAULT_VESPO);
    if (objective instanceof PolicyObjective.Cispo cispo) {
      to.putDouble(at + Struct.Config.CLIP_HIGH, cispo.bound());
    } else if (objective instanceof PolicyObjective.Gmpo gmpo) {
      to.putDouble(at + Struct.Config.CLIP_LOW, gmpo.clipLow())
          .putDouble(at + Struct.Config.CLIP_HIGH, gmpo.clipHigh());
    }
    to.putInt(at + Struct.Config.OBJECTIVE, code(objective))
        .putInt(at + Struct.Config.RATIO_LEVEL, ratioLevel.code())
        .putDouble(at + Struct.Config.KL_COEF, klCoef)
        .putDouble(at + Struct.Config.ENTROPY_COEF, entropyCoef)
        .putInt(at + Struct.Config.KL_ESTIMATOR, klEstimator.code())
        .putInt(at + Struct.Config.KL_BIAS_CORRECTED, klBiasCorrected ? 1 : 0);
  }

  private static int code(PolicyObjective objective) {
    if (objective instanceof PolicyObjective.Clip) {
      return Native.GRPO4J_CLIP;
    } else if (objective instanceof PolicyObjective.Cispo) {
      return Native.GRPO4J_CISPO;
    } else if (objective instanceof PolicyObjective.Sapo) {
      return Native.GRPO4J_SAPO;
    } else if (objective instanceof PolicyObjective.Gpg) {
      return Native.GRPO4J_GPG;
    } else if (objective instanceof PolicyObjective.Gmpo) {
      return Native.GRPO4J_GMPO;
    } else if (objective instanceof PolicyObjective.Vespo) {
      return Native.GRPO4J_VESPO;
    }
    throw new AssertionError("no code for " + objective);
  }

  private static void clipTo(ByteBuffer to, int at, PolicyObjective.Clip clip) {
    to.putDouble(at + Struct.Config.CLIP_LOW, clip.clipLow())
        .putDouble(at + Struct.Config.CLIP_HIGH, clip.clipHigh())
        .putDouble(at + Struct.Config.DUAL_CLIP, clip.dualClip())
        .putDouble(at + Struct.Config.DELTA, clip.delta());
  }

  private static void sapoTo(ByteBuffer to, int at, PolicyObjective.Sapo sapo) {
    to.putDouble(at + Struct.Config.SAPO_POSITIVE, sapo.tauPositive())
        .putDouble(at + Struct.Config.SAPO_NEGATIVE, sapo.tauNegative());
  }

  private static void vespoTo(ByteBuffer to, int at, PolicyObjective.Vespo vespo) {
    to.putDouble(at + Struct.Config.VESPO_K_POSITIVE, vespo.kPositive())
        .putDouble(at + Struct.Config.VESPO_LAMBDA_POSITIVE, vespo.lambdaPositive())
        .putDouble(at + Struct.Config.VESPO_K_NEGATIVE, vespo.kNegative())
        .putDouble(at + Struct.Config.VESPO_LAMBDA_NEGATIVE, vespo.lambdaNegative());
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
