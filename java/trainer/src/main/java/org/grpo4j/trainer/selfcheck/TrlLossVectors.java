package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.weight.Aggregation;
import org.grpo4j.trainer.weight.TokenWeights;
import org.grpo4j.trainer.weight.TrlLossType;
import org.jspecify.annotations.Nullable;

/**
 * TRL's GRPO loss: its token-level loss types through the kernels' public API. Aggregation, rollout
 * correction, top-entropy mask and off-policy mask are weights. Cases of another objective are
 * skipped by name.
 */
public final class TrlLossVectors implements VectorChecker {

  @Override
  public boolean accepts(Path file) throws IOException {
    return VectorFiles.casesHave(
        file, "loss_type", "importance_sampling_level", "logits", "completion_mask", "expected");
  }

  @Override
  public boolean usesKernels() {
    return true;
  }

  @Override
  public void check(Path file, CheckReport report) throws IOException {
    VectorFiles.forEachCase(file, report, (index, vector) -> checkCase(file, vector, report));
  }

  private static void checkCase(Path file, JsonNode vector, CheckReport report) {
    String name = vector.path("name").asText();
    String missing = missingObjective(vector);
    if (missing != null) {
      report.skipped(file, name, "objective " + missing + " comes with the other objectives");
      return;
    }
    new Case(vector).compare(new LossComparison(report, file, name));
  }

  /** The objective that this version lacks, or null. */
  private static @Nullable String missingObjective(JsonNode vector) {
    String lossType = VectorFiles.need(vector, "loss_type").asText();
    try {
      TrlLossType.named(lossType);
    } catch (InputException e) {
      return lossType;
    }
    return switch (vector.path("importance_sampling_level").asText("token")) {
      case "token" -> null;
      case "sequence" -> "gspo";
      case "sequence_token" -> "gspo-token";
      default -> vector.path("importance_sampling_level").asText();
    };
  }

  /** One case: its inputs as the kernels take them, and the comparison. */
  private static final class Case {
    private final JsonNode vector;
    private final LossVector loss;
    private final LossVector.Statistics statistics;
    private final PolicyLossConfig config;

    Case(JsonNode vector) {
      this.vector = vector;
      this.loss = new LossVector(vector);
      this.statistics = loss.statistics();
      this.config =
          PolicyLossConfig.builder()
              .clipLow(vector.path("epsilon_low").asDouble())
              .clipHigh(vector.path("epsilon_high").asDouble())
              .delta(vector.path("delta").asDouble(Double.POSITIVE_INFINITY))
              .klCoef(vector.path("beta").asDouble())
              .klBiasCorrected(vector.path("use_bias_correction_kl").asBoolean())
              .entropyCoef(vector.path("entropy_coef").asDouble())
              .temperature(loss.temperature)
              .build();
    }

    void compare(LossComparison comparison) {
      JsonNode expected = vector.path("expected");
      LossVector.Result result = run();
      comparison
          .values(
              "log_probs", VectorFiles.doubles(expected.path("log_probs")), statistics.logProbs())
          .values(
              "entropies", VectorFiles.doubles(expected.path("entropies")), statistics.entropies())
          .value("loss", expected.path("loss").asDouble(), result.metrics().loss())
          .gradient("dlogits", VectorFiles.doubles(expected.path("dlogits")), result.gradient());
      for (Map.Entry<String, JsonNode> metric : expected.path("metrics").properties()) {
        double got = metric(metric.getKey(), result.metrics());
        comparison.value(metric.getKey(), metric.getValue().asDouble(), got);
      }
      comparison.done();
    }

    /**
     * TRL averages the entropy bonus over all tokens, whatever the loss type, and KL with the loss
     * type's weights. The kernel has one regularizer weight: where both are on, the bonus is a
     * second call, and loss and gradient add up.
     */
    private LossVector.Result run() {
      TrlLossType type = TrlLossType.named(vector.path("loss_type").asText());
      TokenWeights weights = weights(type.aggregation());
      if (config.entropyCoef() == 0) {
        return loss.run(config, weights.policyWeights(), weights.regularizerWeights());
      }
      float[][] tokenMean = weights(Aggregation.TOKEN_MEAN).regularizerWeights();
      if (config.klCoef() == 0) {
        return loss.run(config, weights.policyWeights(), tokenMean);
      }
      LossVector.Result main =
          loss.run(with(0), weights.policyWeights(), weights.regularizerWeights());
      PolicyLossConfig bonusOnly =
          PolicyLossConfig.builder()
              .entropyCoef(config.entropyCoef())
              .temperature(config.temperature())
              .build();
      return sum(main, loss.run(bonusOnly, new float[loss.sequences][loss.length], tokenMean));
    }

    private PolicyLossConfig with(double entropyCoef) {
      return new PolicyLossConfig(
          config.clipLow(),
          config.clipHigh(),
          config.dualClip(),
          config.delta(),
          config.klCoef(),
          config.klEstimator(),
          config.klBiasCorrected(),
          entropyCoef,
          config.temperature(),
          config.zeroBadRows());
    }

    private static LossVector.Result sum(LossVector.Result a, LossVector.Result b) {
      double[] gradient = a.gradient().clone();
      for (int i = 0; i < gradient.length; i++) {
        gradient[i] += b.gradient()[i];
      }
      PolicyLossMetrics m = a.metrics();
      PolicyLossMetrics metrics =
          new PolicyLossMetrics(
              m.loss() + b.metrics().loss(),
              m.policyLoss(),
              m.kl(),
              m.entropy(),
              m.approxKl(),
              m.ratioMin(),
              m.ratioMax(),
              m.ratioMean(),
              m.clipLowCount(),
              m.clipHighCount(),
              m.dualClipCount(),
              m.rows(),
              m.badRows(),
              m.firstBadRow(),
              m.isa());
      return new LossVector.Result(metrics, gradient);
    }

    private TokenWeights weights(Aggregation aggregation) {
      return TokenWeights.compute(
          TokenWeights.Input.of(
                  loss.mask, aggregation, vector.path("max_completion_length").asInt(loss.length))
              .withCorrection(policyFactors()));
    }

    /** Rollout correction × top-entropy mask × off-policy mask, [B][T]. */
    private float[][] policyFactors() {
      double[] factors = new double[loss.rows()];
      double[] rollout = LossVector.optional(vector, "importance_sampling_ratio", loss.rows());
      double threshold = entropyThreshold();
      for (int i = 0; i < loss.sequences; i++) {
        boolean kept = keepsSequence(i);
        for (int t = 0; t < loss.length; t++) {
          int at = i * loss.length + t;
          boolean counts = kept && loss.entropy(at) >= threshold;
          factors[at] = counts ? (rollout == null ? 1 : rollout[at]) : 0;
        }
      }
      return loss.perToken(factors);
    }

    /**
     * The (1 − ρ) quantile of the trained tokens' entropies, linearly interpolated, in float32 as
     * TRL takes it.
     */
    private double entropyThreshold() {
      double top = vector.path("top_entropy_quantile").asDouble(1);
      double[] sorted =
          IntStream.range(0, loss.rows())
              .filter(at -> loss.mask[at / loss.length][at % loss.length] != 0)
              .mapToDouble(loss::entropy)
              .sorted()
              .toArray();
      if (top >= 1 || sorted.length == 0) {
        return Double.NEGATIVE_INFINITY;
      }
      double position = (1 - top) * (sorted.length - 1);
      int below = (int) Math.floor(position);
      int above = Math.min(below + 1, sorted.length - 1);
      return (float) (sorted[below] + (position - below) * (sorted[above] - sorted[below]));
    }

    /** Sequences with A &lt; 0 are dropped when their mean old − logProb exceeds the threshold. */
    private boolean keepsSequence(int i) {
      JsonNode threshold = vector.path("off_policy_mask_threshold");
      if (!threshold.isNumber() || loss.advantages[i] >= 0 || loss.oldLogProbs == null) {
        return true;
      }
      double sum = 0;
      double count = 0;
      for (int t = 0; t < loss.length; t++) {
        int at = i * loss.length + t;
        sum += loss.mask[i][t] * (loss.oldLogProbs[at] - statistics.logProbs()[at]);
        count += loss.mask[i][t];
      }
      return sum / count <= threshold.asDouble();
    }

    private double metric(String name, PolicyLossMetrics m) {
      double rows = m.rows();
      return switch (name) {
        case "entropy" -> m.entropy();
        case "kl" -> m.kl();
        case "policy_loss" -> m.policyLoss();
        case "clip_ratio/low_mean" -> m.clipLowCount() / rows;
        case "clip_ratio/high_mean" -> m.clipHighCount() / rows;
        case "clip_ratio/region_mean" -> (m.clipLowCount() + m.clipHighCount()) / rows;
        case "clip_ratio/low_min" -> perSequence().mapToDouble(Case::low).min().orElse(0);
        case "clip_ratio/high_max" -> perSequence().mapToDouble(Case::high).max().orElse(0);
        default -> Double.NaN; // fails, naming the metric
      };
    }

    private Stream<PolicyLossMetrics> perSequence() {
      return IntStream.range(0, loss.sequences).mapToObj(i -> loss.sequenceMetrics(i, with(0)));
    }

    private static double low(PolicyLossMetrics m) {
      return m.clipLowCount() / (double) m.rows();
    }

    private static double high(PolicyLossMetrics m) {
      return m.clipHighCount() / (double) m.rows();
    }
  }
}
