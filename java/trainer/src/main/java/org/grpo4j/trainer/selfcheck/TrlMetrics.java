package org.grpo4j.trainer.selfcheck;

import java.util.function.ToLongFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.kernels.PolicyObjective;
import org.grpo4j.kernels.RatioLevel;
import org.jspecify.annotations.Nullable;

/**
 * What TRL logs beside a loss, by its names. Its means do not all go over the trained tokens: where
 * completions are one token wide it takes the tokens for values of whole sequences, and masked ones
 * count too.
 */
final class TrlMetrics {
  private final TrlLossCase trl;
  private final LossVector loss;
  private final PolicyLossMetrics policy;
  private final double policyLoss;
  private final double kl;

  /** The case with what its clips are counted over, and those counts. */
  private final LossVector counted;

  private final PolicyLossConfig countedConfig;
  private final PolicyLossMetrics counts;
  private final RatioLevel level;

  /**
   * @param policy of the policy term's call
   * @param policyLoss TRL's, which holds the KL term
   * @param kl mean over the trained tokens
   */
  TrlMetrics(TrlLossCase trl, PolicyLossMetrics policy, double policyLoss, double kl) {
    this.trl = trl;
    this.loss = trl.loss();
    this.policy = policy;
    this.policyLoss = policyLoss;
    this.level = trl.config().ratioLevel();
    this.countedConfig = trl.config().toBuilder().klCoef(0).build();
    if (loss.length == 1) {
      this.counted = loss.unmasked(oldLogProbsOfAll());
      this.counts = counted.run(countedConfig, counted.mask, counted.mask).metrics();
      this.kl = counted.run(trl.klConfig(), trl.noWeights(), counted.mask).metrics().kl();
    } else {
      this.counted = loss;
      this.counts = policy;
      this.kl = kl;
    }
  }

  /** A masked sequence has ratio 1 where ratios are the sequence's: the old log-prob is its own. */
  private double @Nullable [] oldLogProbsOfAll() {
    if (loss.oldLogProbs == null || trl.level() == RatioLevel.TOKEN) {
      return loss.oldLogProbs;
    }
    double[] old = loss.oldLogProbs.clone();
    for (int i = 0; i < old.length; i++) {
      old[i] = loss.mask[i][0] == 0 ? trl.statistics().logProbs()[i] : old[i];
    }
    return old;
  }

  /** Null for a name that TRL does not log for this case. */
  @Nullable Double named(String name) {
    return switch (name) {
      case "entropy" -> counts.entropy();
      case "entropy_coef" -> trl.entropyCoef();
      case "kl" -> kl;
      case "policy_loss" -> policyLoss;
      case "clip_ratio/low_mean" -> mean(PolicyLossMetrics::clipLowCount);
      case "clip_ratio/high_mean", "cispo_clip_ratio" -> mean(PolicyLossMetrics::clipHighCount);
      case "clip_ratio/region_mean" ->
          mean(PolicyLossMetrics::clipLowCount) + mean(PolicyLossMetrics::clipHighCount);
      case "clip_ratio/low_min" ->
          perSequence(PolicyLossMetrics::clipLowCount).min().orElse(Double.NaN);
      case "clip_ratio/high_max" ->
          perSequence(PolicyLossMetrics::clipHighCount).max().orElse(Double.NaN);
      case "vespo/phi_seq_mean" -> phiMean();
      default -> null;
    };
  }

  /** Share of the tokens, or of the sequences where the ratio is theirs; empty ones count there. */
  private double mean(ToLongFunction<PolicyLossMetrics> count) {
    return switch (level) {
      case TOKEN -> count.applyAsLong(counts) / (double) Math.max(1, counts.units());
      case SEQUENCE -> count.applyAsLong(counts) / (double) loss.sequences;
      case SEQUENCE_TOKEN -> {
        double tokens = 0;
        double found = 0;
        for (int i = 0; i < loss.sequences; i++) {
          tokens += counted.tokens(i);
          found += counted.tokens(i) * count.applyAsLong(ofSequence(i));
        }
        yield found / Math.max(1, tokens);
      }
    };
  }

  /** Shares within each sequence that has any token, or is a unit itself. */
  private DoubleStream perSequence(ToLongFunction<PolicyLossMetrics> count) {
    return IntStream.range(0, loss.sequences)
        .filter(i -> level == RatioLevel.SEQUENCE || counted.tokens(i) > 0)
        .mapToObj(this::ofSequence)
        .mapToDouble(m -> count.applyAsLong(m) / (double) Math.max(1, m.units()));
  }

  private PolicyLossMetrics ofSequence(int sequence) {
    return counted.sequenceMetrics(sequence, countedConfig);
  }

  /** Mean φ of the sequences; null where the objective has none. */
  private @Nullable Double phiMean() {
    if (!(trl.config().objective() instanceof PolicyObjective.Vespo vespo)) {
      return null;
    }
    double sum = policy.factorMean() * policy.units();
    for (int i = 0; i < loss.sequences; i++) {
      if (loss.tokens(i) == 0) { // Its φ is that of its rollout correction alone.
        boolean positive = loss.advantages[i] >= 0;
        double lambda = positive ? vespo.lambdaPositive() : vespo.lambdaNegative();
        double k = positive ? vespo.kPositive() : vespo.kNegative();
        double log = Math.min(Math.max(trl.rolloutLogRatio(i), Math.log(1e-8)), 20);
        sum += Math.exp(lambda + k * log - lambda * Math.exp(log));
      }
    }
    return sum / loss.sequences;
  }
}
