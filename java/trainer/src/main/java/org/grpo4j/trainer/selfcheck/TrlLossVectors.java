package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.kernels.PolicyObjective;
import org.grpo4j.kernels.RatioLevel;
import org.grpo4j.kernels.weight.Aggregation;
import org.grpo4j.kernels.weight.TokenMasks;
import org.grpo4j.kernels.weight.TokenWeights;
import org.grpo4j.trainer.weight.LossType;
import org.jspecify.annotations.Nullable;

/**
 * TRL's GRPO loss: every loss type through the kernels' public API. Aggregation, rollout
 * correction, top-entropy mask and off-policy mask are weights.
 */
public final class TrlLossVectors extends LossVectorChecker {
  public TrlLossVectors() {
    super("loss_type", "importance_sampling_level");
  }

  @Override
  void checkCase(Path file, JsonNode vector, CheckReport report) {
    String name = vector.path("name").asText();
    String lossType = VectorFiles.need(vector, "loss_type").asText();
    if (!LossType.names().contains(lossType)) {
      report.skipped(file, name, "loss_type " + lossType + " is not one of " + LossType.names());
      return;
    }
    new Case(vector).compare(new LossComparison(report, file, name));
  }

  private static PolicyLossConfig config(JsonNode vector, double temperature) {
    String level = vector.path("importance_sampling_level").asText("token");
    PolicyObjective objective = objective(vector);
    return PolicyLossConfig.builder()
        .objective(objective)
        .ratioLevel(
            objective instanceof PolicyObjective.Vespo
                ? RatioLevel.SEQUENCE // its ratio is a product over the sequence at any level
                : RatioLevel.valueOf(level.toUpperCase(Locale.ROOT)))
        .klCoef(vector.path("beta").asDouble())
        .klBiasCorrected(vector.path("use_bias_correction_kl").asBoolean())
        .temperature(temperature)
        .build();
  }

  private static PolicyObjective objective(JsonNode vector) {
    double high = vector.path("epsilon_high").asDouble();
    return switch (vector.path("loss_type").asText()) {
      case "cispo" -> new PolicyObjective.Cispo(high);
      case "sapo" ->
          new PolicyObjective.Sapo(
              vector.path("sapo_temperature_pos").asDouble(1.0),
              vector.path("sapo_temperature_neg").asDouble(1.05));
      case "vespo" ->
          new PolicyObjective.Vespo(
              vector.path("vespo_k_pos").asDouble(2),
              vector.path("vespo_lambda_pos").asDouble(3),
              vector.path("vespo_k_neg").asDouble(3),
              vector.path("vespo_lambda_neg").asDouble(2));
      default ->
          new PolicyObjective.Clip(
              vector.path("epsilon_low").asDouble(),
              high,
              Double.POSITIVE_INFINITY,
              vector.path("delta").asDouble(Double.POSITIVE_INFINITY));
    };
  }

  /** Loss without the bonus, mean KL, the policy term's metrics, and the gradient [B·T·V]. */
  @SuppressWarnings("ArrayRecordComponent") // compared element by element, never as a record
  private record Outcome(double loss, double kl, PolicyLossMetrics metrics, double[] gradient) {
    static Outcome of(LossVector.Result result) {
      PolicyLossMetrics m = result.metrics();
      return new Outcome(m.loss(), m.kl(), m, result.gradient());
    }
  }

  /** One case: its inputs as the kernels take them, and the comparison. */
  private static final class Case {
    private final JsonNode vector;
    private final LossVector loss;
    private final LossVector.Statistics statistics;
    private final PolicyLossConfig config;
    private final boolean vespo;

    Case(JsonNode vector) {
      this.vector = vector;
      this.loss = new LossVector(vector);
      this.statistics = loss.statistics();
      this.config = config(vector, loss.temperature);
      this.vespo = config.objective() instanceof PolicyObjective.Vespo;
    }

    void compare(LossComparison comparison) {
      JsonNode expected = vector.path("expected");
      Outcome result = run();
      double lossValue = result.loss();
      double[] gradient = result.gradient();
      if (entropyCoef() != 0) {
        LossVector.Result bonus = bonus();
        lossValue += bonus.metrics().loss();
        add(gradient, bonus.gradient());
      }
      comparison
          .values(
              "log_probs", VectorFiles.doubles(expected.path("log_probs")), statistics.logProbs())
          .values(
              "entropies", VectorFiles.doubles(expected.path("entropies")), statistics.entropies())
          .value("loss", expected.path("loss").asDouble(), lossValue)
          .gradient("dlogits", VectorFiles.doubles(expected.path("dlogits")), gradient);
      for (Map.Entry<String, JsonNode> metric : expected.path("metrics").properties()) {
        double got = metric(metric.getKey(), result);
        comparison.value(metric.getKey(), metric.getValue().asDouble(), got);
      }
      comparison.done();
    }

    private double entropyCoef() {
      return vector.path("entropy_coef").asDouble();
    }

    /** Policy term and KL, which share the loss type's weights. */
    private Outcome run() {
      TokenWeights weights = weights(LossType.named(lossType()).aggregation(), policyFactors());
      if (!vespo) {
        return Outcome.of(loss.run(config, weights.policyWeights(), weights.regularizerWeights()));
      }
      // Only the policy term sees VESPO's ratio: a corrected KL keeps the token's or sequence's.
      PolicyLossConfig alone = config.toBuilder().klCoef(0).build();
      LossVector.Result policy =
          loss.withOldLogProbs(vespoOldLogProbs())
              .run(alone, weights.policyWeights(), weights.regularizerWeights());
      if (config.klCoef() == 0) {
        return Outcome.of(policy);
      }
      PolicyLossConfig klOnly =
          config.toBuilder()
              .objective(PolicyObjective.clip())
              .ratioLevel(
                  RatioLevel.valueOf(
                      vector
                          .path("importance_sampling_level")
                          .asText("token")
                          .toUpperCase(Locale.ROOT)))
              .build();
      LossVector.Result kl =
          loss.run(klOnly, new float[loss.sequences][loss.length], weights.regularizerWeights());
      add(kl.gradient(), policy.gradient());
      return new Outcome(
          policy.metrics().loss() + kl.metrics().loss(),
          kl.metrics().kl(),
          policy.metrics(),
          kl.gradient());
    }

    private String lossType() {
      return vector.path("loss_type").asText();
    }

    /**
     * The bonus is a mean over the tokens that keep their policy term, whatever the loss type: a
     * call of its own, for the kernel has one regularizer weight.
     */
    private LossVector.Result bonus() {
      PolicyLossConfig bonusOnly =
          PolicyLossConfig.builder()
              .entropyCoef(entropyCoef())
              .temperature(loss.temperature)
              .build();
      float[][] kept = TokenMasks.product(loss.mask, entropyMask());
      TokenWeights mean =
          TokenWeights.compute(
              TokenWeights.Input.of(kept, Aggregation.TOKEN_MEAN, Math.max(1, loss.length)));
      return loss.run(bonusOnly, new float[loss.sequences][loss.length], mean.regularizerWeights());
    }

    private static void add(double[] to, double[] from) {
      for (int i = 0; i < to.length; i++) {
        to[i] += from[i];
      }
    }

    private TokenWeights weights(Aggregation aggregation, float[][] factors) {
      return TokenWeights.compute(
          TokenWeights.Input.of(
                  loss.mask, aggregation, vector.path("max_completion_length").asInt(loss.length))
              .withCorrection(factors));
    }

    /** Rollout correction × top-entropy mask × off-policy mask, [B][T]. */
    private float[][] policyFactors() {
      float[][] factors = entropyMask();
      JsonNode threshold = vector.path("off_policy_mask_threshold");
      if (threshold.isNumber() && loss.oldLogProbs != null) {
        float[][] kept =
            TokenMasks.offPolicySequences(
                loss.advantages,
                loss.rows(statistics.logProbs()),
                loss.rows(loss.oldLogProbs),
                loss.mask,
                threshold.asDouble());
        factors = TokenMasks.product(factors, kept);
      }
      double[] rollout = rolloutRatio();
      return rollout == null || vespo
          ? factors
          : TokenMasks.product(factors, loss.perToken(rollout));
    }

    /** [B·T]. */
    private double @Nullable [] rolloutRatio() {
      return LossVector.optional(vector, "importance_sampling_ratio", loss.rows());
    }

    /** Decided by entropies in double: see {@link LossVector#entropy}. */
    private float[][] entropyMask() {
      double[] entropies = new double[loss.rows()];
      Arrays.setAll(entropies, loss::entropy);
      return TokenMasks.topEntropy(
          loss.mask, loss.rows(entropies), vector.path("top_entropy_quantile").asDouble(1));
    }

    /** VESPO takes the rollout correction into its ratio, in log space, over the whole width. */
    private double[] vespoOldLogProbs() {
      double[] old = loss.oldLogProbs == null ? statistics.logProbs() : loss.oldLogProbs;
      double[] shifted = old.clone();
      for (int i = 0; i < loss.sequences; i++) {
        double tokens = 0;
        for (float m : loss.mask[i]) {
          tokens += m;
        }
        for (int t = 0; t < loss.length; t++) {
          shifted[i * loss.length + t] -= rolloutLogRatio(i) / Math.max(1, tokens);
        }
      }
      return shifted;
    }

    /** Σ of a sequence's clamped log corrections; 0 without any. */
    private double rolloutLogRatio(int sequence) {
      double[] rollout = rolloutRatio();
      double sum = 0;
      for (int t = 0; rollout != null && t < loss.length; t++) {
        double log = Math.log(rollout[sequence * loss.length + t]);
        sum += Math.min(Math.max(log, Math.log(1e-8)), 20);
      }
      return sum;
    }

    private double metric(String name, Outcome outcome) {
      PolicyLossMetrics m = outcome.metrics();
      boolean bySequence = config.ratioLevel() != RatioLevel.TOKEN;
      // A sequence without tokens has ratio 1 and counts, a token that is masked does not.
      double units = bySequence ? loss.sequences : Math.max(1, m.units());
      return switch (name) {
        case "entropy" -> m.entropy();
        case "kl" -> outcome.kl();
        case "policy_loss" -> outcome.loss(); // TRL's holds the KL term
        case "clip_ratio/low_mean" -> m.clipLowCount() / units;
        case "clip_ratio/high_mean", "cispo_clip_ratio" -> m.clipHighCount() / units;
        case "clip_ratio/region_mean" -> (m.clipLowCount() + m.clipHighCount()) / units;
        case "clip_ratio/low_min" ->
            perSequence(bySequence)
                .mapToDouble(s -> s.clipLowCount() / (double) Math.max(1, s.units()))
                .min()
                .orElse(0);
        case "clip_ratio/high_max" ->
            perSequence(bySequence)
                .mapToDouble(s -> s.clipHighCount() / (double) Math.max(1, s.units()))
                .max()
                .orElse(0);
        case "vespo/phi_seq_mean" ->
            (m.factorMean() * m.units() + emptySequencesPhi()) / loss.sequences;
        default -> Double.NaN; // fails, naming the metric
      };
    }

    /** Σ φ of the sequences without a trained token: of their rollout correction alone. */
    private double emptySequencesPhi() {
      PolicyObjective.Vespo v = (PolicyObjective.Vespo) config.objective();
      double sum = 0;
      for (int i = 0; i < loss.sequences; i++) {
        boolean empty = true;
        for (float m : loss.mask[i]) {
          empty &= m == 0;
        }
        if (empty) {
          boolean positive = loss.advantages[i] >= 0;
          double lambda = positive ? v.lambdaPositive() : v.lambdaNegative();
          double log = Math.min(Math.max(rolloutLogRatio(i), Math.log(1e-8)), 20);
          double k = positive ? v.kPositive() : v.kNegative();
          sum += Math.exp(lambda + k * log - lambda * Math.exp(log));
        }
      }
      return sum;
    }

    private Stream<PolicyLossMetrics> perSequence(boolean withEmpty) {
      return IntStream.range(0, loss.sequences)
          .mapToObj(i -> loss.sequenceMetrics(i, config.toBuilder().klCoef(0).build()))
          .filter(m -> withEmpty || m.units() > 0);
    }
  }
}
