package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.kernels.PolicyObjective;
import org.grpo4j.kernels.RatioLevel;
import org.grpo4j.kernels.weight.Aggregation;
import org.grpo4j.kernels.weight.TokenWeights;
import org.jspecify.annotations.Nullable;

/**
 * The policy losses of ResT's release (verl), through the kernels' public API: dual clip under
 * every aggregation, geometric mean, GPG. Cases of another objective are skipped by name.
 */
public final class VerlLossVectors extends LossVectorChecker {
  public VerlLossVectors() {
    super("policy_loss", "loss_agg_mode");
  }

  @Override
  void checkCase(Path file, JsonNode vector, CheckReport report) {
    String name = vector.path("name").asText();
    String objective = VectorFiles.need(vector, "policy_loss").asText();
    LossVector loss = new LossVector(vector);
    PolicyLossConfig config = config(objective, vector);
    float[][] weights =
        objective.equals("geo_mean")
            ? aggregate(loss, Aggregation.SEQ_MEAN_TOKEN_MEAN, null) // it has no other
            : weights(vector, loss);
    if (config == null || weights == null) {
      report.skipped(
          file, name, "objective " + objective + ", " + vector.path("loss_agg_mode").asText());
      return;
    }
    // The metrics count all tokens, those of token weight 0 too: the mask as the other weight, with
    // no KL and no bonus, has them read.
    compare(vector, loss.run(config, weights, loss.mask), new LossComparison(report, file, name));
  }

  /** Null for an objective that is unknown. */
  private static @Nullable PolicyLossConfig config(String objective, JsonNode vector) {
    double low = vector.path("clip_ratio_low").asDouble();
    double high = vector.path("clip_ratio_high").asDouble();
    double dual = vector.path("clip_ratio_c").asDouble(Double.POSITIVE_INFINITY);
    PolicyLossConfig.Builder builder = PolicyLossConfig.builder();
    return switch (objective) {
      case "vanilla" ->
          builder
              .objective(new PolicyObjective.Clip(low, high, dual, Double.POSITIVE_INFINITY))
              .build();
      case "geo_mean" ->
          builder
              .objective(new PolicyObjective.Gmpo(low, high))
              .ratioLevel(RatioLevel.SEQUENCE)
              .build();
      case "gpg" -> builder.objective(new PolicyObjective.Gpg()).build();
      default -> null;
    };
  }

  private static void compare(
      JsonNode vector, LossVector.Result result, LossComparison comparison) {
    JsonNode expected = vector.path("expected");
    PolicyLossMetrics m = result.metrics();
    double units = Math.max(1, m.units());
    comparison.value("loss", expected.path("loss").asDouble(), m.loss());
    Map<String, Double> metrics =
        Map.of(
            "approx_kl", m.approxKl(),
            "clip_fraction", (m.clipLowCount() + m.clipHighCount()) / units,
            "clip_fraction_lower", m.dualClipCount() / units);
    metrics.forEach(
        (metric, value) -> {
          if (expected.has(metric)) {
            comparison.value(metric, expected.path(metric).asDouble(), value);
          }
        });
    comparison
        .gradient("dlogits", VectorFiles.doubles(expected.path("dlogits")), result.gradient())
        .done();
  }

  /** The aggregation as weights, [B][T]; null for one that is unknown. */
  private static float @Nullable [][] weights(JsonNode vector, LossVector loss) {
    double[] omega = LossVector.optional(vector, "token_weights", loss.rows());
    return switch (vector.path("loss_agg_mode").asText()) {
      case "token-mean" -> aggregate(loss, Aggregation.TOKEN_MEAN, null);
      case "token-mean-weighted" -> aggregate(loss, Aggregation.TOKEN_MEAN, omega);
      case "seq-mean-token-mean" -> aggregate(loss, Aggregation.SEQ_MEAN_TOKEN_MEAN, omega);
      case "seq-mean-token-sum" -> aggregate(loss, Aggregation.SEQ_MEAN_TOKEN_SUM, null);
      // That release divides the sum by the width T alone, not by B·T.
      case "seq-mean-token-sum-norm" ->
          aggregate(loss, Aggregation.SEQ_MEAN_TOKEN_SUM_NORM, null, loss.sequences);
      default -> null;
    };
  }

  private static float[][] aggregate(
      LossVector loss, Aggregation aggregation, double @Nullable [] omega) {
    return aggregate(loss, aggregation, omega, 1);
  }

  private static float[][] aggregate(
      LossVector loss, Aggregation aggregation, double @Nullable [] omega, double factor) {
    double[] weights = omega == null ? new double[loss.rows()] : omega.clone();
    Arrays.setAll(weights, i -> omega == null ? factor : factor * weights[i]);
    return TokenWeights.compute(
            TokenWeights.Input.of(loss.mask, aggregation, loss.length)
                .withTokenWeights(loss.perToken(weights)))
        .policyWeights();
  }
}
