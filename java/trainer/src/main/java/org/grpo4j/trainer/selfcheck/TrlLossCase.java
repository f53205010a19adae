package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Locale;
import java.util.Set;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyObjective;
import org.grpo4j.kernels.RatioLevel;
import org.grpo4j.kernels.weight.Aggregation;
import org.grpo4j.kernels.weight.TokenMasks;
import org.grpo4j.kernels.weight.TokenWeights;
import org.grpo4j.trainer.weight.LossType;
import org.jspecify.annotations.Nullable;

/** One case of TRL's loss: its inputs as the kernels take them, and the comparison. */
final class TrlLossCase {
  /** What is compared apart from the metrics. */
  private static final Set<String> COMPARED =
      Set.of("loss", "log_probs", "entropies", "dlogits", "metrics");

  private final JsonNode vector;
  private final LossVector loss;
  private final LossVector.Statistics statistics;
  private final LossVector.Statistics exact;
  private final RatioLevel level;
  private final PolicyLossConfig config;
  private final boolean vespo;

  /** The rollout correction, [B][T], or [B][1] where it is the sequence's; null: none. */
  private final float @Nullable [][] rollout;

  private final TokenWeights weights;

  TrlLossCase(JsonNode vector) {
    this.vector = vector;
    this.loss = new LossVector(vector);
    this.statistics = loss.statistics();
    this.exact = loss.exactStatistics();
    this.level =
        RatioLevel.valueOf(
            vector.path("importance_sampling_level").asText().toUpperCase(Locale.ROOT));
    PolicyObjective objective = objective();
    this.vespo = objective instanceof PolicyObjective.Vespo;
    this.config =
        PolicyLossConfig.builder()
            .objective(objective)
            // VESPO's ratio is a product over the sequence at any level.
            .ratioLevel(vespo ? RatioLevel.SEQUENCE : level)
            .klCoef(setting("beta", 0))
            .klBiasCorrected(VectorFiles.flag(vector, "use_bias_correction_kl"))
            .temperature(loss.temperature)
            .build();
    this.rollout = rolloutRatio();
    this.weights = weights();
  }

  LossVector loss() {
    return loss;
  }

  LossVector.Statistics statistics() {
    return statistics;
  }

  PolicyLossConfig config() {
    return config;
  }

  /** The level that the case names, VESPO's too: a corrected KL takes its ratio there. */
  RatioLevel level() {
    return level;
  }

  /** See {@link LossVector#magnitude}: VESPO's log-weight is a sum over the sequence. */
  double magnitude() {
    return loss.magnitude(vespo);
  }

  double entropyCoef() {
    return setting("entropy_coef", 0);
  }

  private String lossType() {
    return vector.path("loss_type").asText();
  }

  private double setting(String field, double otherwise) {
    return VectorFiles.number(vector, field, otherwise);
  }

  private PolicyObjective objective() {
    double low = VectorFiles.number(vector, "epsilon_low");
    double high = setting("epsilon_high", low);
    return switch (lossType()) {
      case "cispo" -> new PolicyObjective.Cispo(high);
      case "sapo" ->
          new PolicyObjective.Sapo(
              setting("sapo_temperature_pos", 1.0), setting("sapo_temperature_neg", 1.05));
      case "vespo" ->
          new PolicyObjective.Vespo(
              setting("vespo_k_pos", 2),
              setting("vespo_lambda_pos", 3),
              setting("vespo_k_neg", 3),
              setting("vespo_lambda_neg", 2));
      default -> {
        double off = Double.POSITIVE_INFINITY;
        yield new PolicyObjective.Clip(low, high, off, setting("delta", off));
      }
    };
  }

  void compare(LossComparison comparison) {
    JsonNode expected = VectorFiles.need(vector, "expected");
    LossVector.Result policy = policy();
    double[] gradient = policy.gradient();
    double withoutBonus = policy.metrics().loss();
    double kl = policy.metrics().kl();
    if (vespo && config.klCoef() != 0) {
      LossVector.Result apart = kl();
      add(gradient, apart.gradient());
      withoutBonus += apart.metrics().loss();
      kl = apart.metrics().kl();
    }
    double bonusLoss = 0;
    if (entropyCoef() != 0) {
      LossVector.Result bonus = bonus();
      add(gradient, bonus.gradient());
      bonusLoss = bonus.metrics().loss();
    }
    double[] wanted = VectorFiles.numbers(expected, "dlogits");
    TrlMetrics metrics = new TrlMetrics(this, policy.metrics(), withoutBonus, kl);
    comparison
        .statistics(expected, statistics)
        .value("loss", VectorFiles.number(expected, "loss"), withoutBonus + bonusLoss)
        .gradient(wanted, gradient, Math.max(loss.largestSlope(wanted), largestKlTerm()))
        .named(expected.path("metrics"), Set.of(), metrics::named)
        .named(expected, COMPARED, name -> null)
        .done();
  }

  /** β times the largest weight: KL's slope is that times 1 − e^(ref − logProb). */
  private double largestKlTerm() {
    double largest = 0;
    for (float[] sequence : weights.regularizerWeights()) {
      for (float weight : sequence) {
        largest = Math.max(largest, weight);
      }
    }
    return Math.abs(config.klCoef()) * largest;
  }

  private static void add(double[] to, double[] from) {
    for (int i = 0; i < to.length; i++) {
      to[i] += from[i];
    }
  }

  /** Policy term and KL, which share the loss type's weights; of VESPO the policy term alone. */
  private LossVector.Result policy() {
    if (!vespo) {
      return loss.run(config, weights.policyWeights(), weights.regularizerWeights());
    }
    // Only the policy term sees VESPO's ratio: a corrected KL keeps the token's or sequence's.
    return loss.withOldLogProbs(vespoOldLogProbs())
        .run(
            config.toBuilder().klCoef(0).build(),
            weights.policyWeights(),
            weights.regularizerWeights());
  }

  private LossVector.Result kl() {
    return loss.run(klConfig(), noWeights(), weights.regularizerWeights());
  }

  /** KL alone, where the policy weights are 0; at the case's own level, VESPO's too. */
  PolicyLossConfig klConfig() {
    return config.toBuilder().objective(PolicyObjective.clip()).ratioLevel(level).build();
  }

  float[][] noWeights() {
    return new float[loss.sequences][loss.length];
  }

  /**
   * The bonus is a mean over the tokens that keep their policy term, whatever the loss type: a call
   * of its own, for the kernel has one regularizer weight.
   */
  private LossVector.Result bonus() {
    PolicyLossConfig bonusOnly =
        PolicyLossConfig.builder().entropyCoef(entropyCoef()).temperature(loss.temperature).build();
    float[][] kept = TokenMasks.product(loss.mask, entropyMask());
    TokenWeights mean =
        TokenWeights.compute(
            TokenWeights.Input.of(kept, Aggregation.TOKEN_MEAN, Math.max(1, loss.length)));
    return loss.run(bonusOnly, noWeights(), mean.regularizerWeights());
  }

  private TokenWeights weights() {
    int longest = (int) setting("max_completion_length", loss.length);
    return TokenWeights.compute(
        TokenWeights.Input.of(loss.mask, LossType.named(lossType()).aggregation(), longest)
            .withCorrection(policyFactors()));
  }

  /** Rollout correction × top-entropy mask × off-policy mask, [B][T]. */
  private float[][] policyFactors() {
    float[][] factors = entropyMask();
    double threshold = setting("off_policy_mask_threshold", Double.POSITIVE_INFINITY);
    double[] old = loss.oldLogProbs == null ? exact.logProbs() : loss.oldLogProbs;
    factors =
        TokenMasks.product(
            factors,
            TokenMasks.offPolicySequences(
                loss.advantages,
                loss.rows(exact.logProbs()),
                loss.rows(old),
                loss.mask,
                threshold));
    if (rollout == null || vespo) {
      return factors;
    }
    for (int i = 0; i < loss.sequences; i++) {
      for (int t = 0; t < loss.length; t++) {
        factors[i][t] *= rollout[i][rollout[i].length == 1 ? 0 : t];
      }
    }
    return factors;
  }

  private float[][] entropyMask() {
    return TokenMasks.topEntropy(
        loss.mask, loss.rows(exact.entropies()), setting("top_entropy_quantile", 1));
  }

  private float @Nullable [][] rolloutRatio() {
    String field = "importance_sampling_ratio";
    boolean bySequence = vector.path(field).size() == loss.sequences;
    double[] ratios = LossVector.optional(vector, field, bySequence ? loss.sequences : loss.rows());
    if (ratios == null) {
      return null;
    }
    int width = ratios.length / loss.sequences;
    float[][] out = new float[loss.sequences][width];
    for (int i = 0; i < ratios.length; i++) {
      out[i / width][i % width] = (float) ratios[i];
    }
    return out;
  }

  /** VESPO takes the rollout correction into its ratio, in log space, over the whole width. */
  private double[] vespoOldLogProbs() {
    double[] old = loss.oldLogProbs == null ? statistics.logProbs() : loss.oldLogProbs;
    double[] shifted = old.clone();
    for (int i = 0; i < loss.sequences; i++) {
      double shift = rolloutLogRatio(i) / Math.max(1, loss.tokens(i));
      for (int t = 0; t < loss.length; t++) {
        shifted[i * loss.length + t] -= shift;
      }
    }
    return shifted;
  }

  /** Σ of a sequence's clamped log corrections; 0 without any. */
  double rolloutLogRatio(int sequence) {
    double sum = 0;
    for (float ratio : rollout == null ? new float[0] : rollout[sequence]) {
      sum += Math.min(Math.max(Math.log(ratio), Math.log(1e-8)), 20);
    }
    return sum;
  }
}
