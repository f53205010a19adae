package org.grpo4j.trainer.selfcheck;

import org.grpo4j.kernels.KlEstimator;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyObjective;
import org.grpo4j.kernels.RatioLevel;

/**
 * The loss of an {@link OracleBatch} by the formulas of docs/math.md, in double. Slopes are
 * differences of the loss itself, so that no derivative is written down.
 */
final class ObjectiveFormula {
  /** Of the central differences; the error is of its square, and of 1e-16 / it by rounding. */
  private static final double STEP = 1e-5;

  /** Rows of a sequence: 0 and 1, 2 and 3. */
  private static final int LENGTH = 2;

  private final OracleBatch batch;
  private final PolicyLossConfig config;
  private final double[] logProbs;
  private final double[] entropies;

  /**
   * @param logProbs of each row, from which ratios are made
   * @param entropies of each row
   */
  ObjectiveFormula(
      OracleBatch batch, PolicyLossConfig config, double[] logProbs, double[] entropies) {
    this.batch = batch;
    this.config = config;
    this.logProbs = logProbs.clone();
    this.entropies = entropies.clone();
  }

  /** The loss of all rows. */
  double loss() {
    return loss(logProbs);
  }

  /** ∂loss/∂logProb and ∂loss/∂H of a row. */
  OracleBatch.Slope slope(int row) {
    double[] live = logProbs.clone();
    live[row] = logProbs[row] + STEP;
    double above = loss(live);
    live[row] = logProbs[row] - STEP;
    double below = loss(live);
    return new OracleBatch.Slope(
        (above - below) / (2 * STEP), -batch.weight(row) * config.entropyCoef());
  }

  /**
   * @param live log-probs that vary; what the formulas stop the gradient at stays as it is
   */
  private double loss(double[] live) {
    double sum = 0;
    for (int i = 0; i < OracleBatch.ROWS; i++) {
      double ratio = ratio(i, live);
      double regularizer = -config.entropyCoef() * entropies[i];
      if (config.klCoef() != 0) {
        double kl = kl(batch.reference(i) - live[i]);
        regularizer += config.klCoef() * (config.klBiasCorrected() ? ratio * kl : kl);
      }
      sum += batch.weight(i) * (policy(i, ratio, live[i]) + regularizer);
    }
    return sum;
  }

  private double difference(int i, double[] values) {
    return values[i] - batch.old(i);
  }

  private double ratio(int i, double[] live) {
    int begin = i / LENGTH * LENGTH;
    if (config.objective() instanceof PolicyObjective.Gmpo gmpo) {
      double sum = 0;
      for (int t = begin; t < begin + LENGTH; t++) {
        double a = batch.advantage(t);
        double d = difference(t, live);
        sum += a > 0 ? Math.min(d, gmpo.clipHigh()) : Math.max(d, -gmpo.clipLow());
      }
      return Math.exp(sum / LENGTH);
    }
    double frozen = 0;
    double moving = 0;
    for (int t = begin; t < begin + LENGTH; t++) {
      frozen += difference(t, logProbs);
      moving += difference(t, live);
    }
    if (config.objective() instanceof PolicyObjective.Vespo) {
      return Math.exp(Math.min(20, Math.max(Math.log(1e-8), frozen)));
    }
    if (config.ratioLevel() == RatioLevel.TOKEN) {
      return Math.exp(difference(i, live));
    }
    return config.ratioLevel() == RatioLevel.SEQUENCE
        ? Math.exp(moving / LENGTH)
        : Math.exp(frozen / LENGTH + live[i] - logProbs[i]);
  }

  private double policy(int i, double r, double logProb) {
    double a = batch.advantage(i);
    PolicyObjective objective = config.objective();
    if (objective instanceof PolicyObjective.Clip clip) {
      double clipped = Math.min(Math.max(r, 1 - clip.clipLow()), 1 + clip.clipHigh());
      double loss = Math.max(-Math.min(r, clip.delta()) * a, -clipped * a);
      return a < 0 ? Math.min(-clip.dualClip() * a, loss) : loss;
    }
    if (objective instanceof PolicyObjective.Cispo cispo) {
      double frozen = Math.exp(difference(i, logProbs));
      return -Math.min(frozen, cispo.bound()) * a * logProb;
    }
    if (objective instanceof PolicyObjective.Sapo sapo) {
      double tau = a > 0 ? sapo.tauPositive() : sapo.tauNegative();
      return -a * (4 / tau) / (1 + Math.exp(-tau * (r - 1)));
    }
    if (objective instanceof PolicyObjective.Vespo vespo) {
      double k = a >= 0 ? vespo.kPositive() : vespo.kNegative();
      double lambda = a >= 0 ? vespo.lambdaPositive() : vespo.lambdaNegative();
      return -Math.exp(lambda + k * Math.log(r) - lambda * r) * a * logProb;
    }
    return objective instanceof PolicyObjective.Gmpo ? -r * a : -a * logProb;
  }

  /** Of q = ref − logProb. */
  private double kl(double q) {
    return config.klEstimator() == KlEstimator.K1
        ? -q
        : config.klEstimator() == KlEstimator.K2 ? q * q / 2 : Math.exp(q) - q - 1;
  }
}
