package org.grpo4j.kernels;

import static org.grpo4j.kernels.Arguments.check;

/**
 * ℓ of one token, from its ratio r (or its sequence's: {@link RatioLevel}), log-prob and advantage
 * A. KL, entropy bonus, masks, corrections and aggregation are not part of it.
 *
 * <p>LUSPO is {@link Clip} at {@link RatioLevel#SEQUENCE} under the weights of a mean of sums.
 */
public sealed interface PolicyObjective {

  /** Clip with 0.2 on both sides: PPO's and GRPO's. */
  static Clip clip() {
    return new Clip(0.2, 0.2, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY);
  }

  /**
   * max(−min(r, delta)·A, −clip(r, 1 − clipLow, 1 + clipHigh)·A), for A &lt; 0 at most −dualClip·A
   * (arXiv 1707.06347, 2402.03300; delta 2505.07291; dual clip 1912.09729). With the sequence's
   * ratio it is GSPO (2507.18071).
   *
   * @param clipLow the ratio is clipped to [1 − clipLow, 1 + clipHigh]
   * @param clipHigh see clipLow
   * @param dualClip bound c: the loss of a token with negative advantage A is at most −c·A; +∞ is
   *     off
   * @param delta upper bound on the ratio of the unclipped term (two-sided clipping); +∞ is off
   */
  record Clip(double clipLow, double clipHigh, double dualClip, double delta)
      implements PolicyObjective {
    public Clip {
      check(clipLow >= 0, "clipLow is %s: want >= 0", clipLow);
      check(clipHigh >= 0, "clipHigh is %s: want >= 0", clipHigh);
      check(dualClip > 0, "dualClip is %s: want > 0, +Infinity for off", dualClip);
      check(delta > 0, "delta is %s: want > 0, +Infinity for off", delta);
    }
  }

  /**
   * −sg(min(r, bound))·A·logProb: CISPO (arXiv 2506.13585).
   *
   * @param bound upper bound of the ratio itself; 5 in TRL's example
   */
  record Cispo(double bound) implements PolicyObjective {
    public Cispo {
      check(bound >= 0, "bound is %s: want >= 0", bound);
    }
  }

  /**
   * −A·(4/τ)·σ(τ(r − 1)): SAPO (arXiv 2511.20347).
   *
   * @param tauPositive τ for A &gt; 0; 1.0 by default
   * @param tauNegative τ for the rest; 1.05 by default
   */
  record Sapo(double tauPositive, double tauNegative) implements PolicyObjective {
    public Sapo {
      positive("tauPositive", tauPositive);
      positive("tauNegative", tauNegative);
    }

    /** τ 1.0 and 1.05, the paper's. */
    public Sapo() {
      this(1.0, 1.05);
    }
  }

  /** −A·logProb: REINFORCE, GPG (arXiv 2504.02546). */
  record Gpg() implements PolicyObjective {}

  /**
   * −A·R with R the geometric mean of the sequence's ratios, each clipped in log space to
   * [−clipLow, clipHigh] on the side that A favours: GMPO (arXiv 2507.20673).
   *
   * @param clipLow 0.4 in the paper
   * @param clipHigh 0.4 in the paper
   */
  record Gmpo(double clipLow, double clipHigh) implements PolicyObjective {
    public Gmpo {
      check(clipLow >= 0, "clipLow is %s: want >= 0", clipLow);
      check(clipHigh >= 0, "clipHigh is %s: want >= 0", clipHigh);
    }
  }

  /**
   * −sg(φ)·A·logProb with φ = e^(λ + k·ln w − λ·w), w the product of the sequence's ratios; ln w is
   * kept within [ln 1e-8, 20] and each token's part within ±20: VESPO, as TRL computes it.
   *
   * @param kPositive k for A ≥ 0; 2 by default
   * @param lambdaPositive λ for A ≥ 0; 3 by default
   * @param kNegative k for A &lt; 0; 3 by default
   * @param lambdaNegative λ for A &lt; 0; 2 by default
   */
  record Vespo(double kPositive, double lambdaPositive, double kNegative, double lambdaNegative)
      implements PolicyObjective {
    public Vespo {
      check(Double.isFinite(kPositive), "kPositive is %s: want a finite number", kPositive);
      check(Double.isFinite(kNegative), "kNegative is %s: want a finite number", kNegative);
      positive("lambdaPositive", lambdaPositive);
      positive("lambdaNegative", lambdaNegative);
    }

    /** (2, 3) for A ≥ 0, (3, 2) for A &lt; 0: TRL's defaults. */
    public Vespo() {
      this(2, 3, 3, 2);
    }
  }

  private static void positive(String name, double value) {
    check(value > 0 && Double.isFinite(value), "%s is %s: want > 0 and finite", name, value);
  }
}
