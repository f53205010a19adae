package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
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
  private static final List<String> OBJECTIVES = List.of("vanilla", "geo_mean", "gpg");

  private static final List<String> AGGREGATIONS =
      List.of(
          "token-mean",
          "token-mean-weighted",
          "seq-mean-token-mean",
          "seq-mean-token-sum",
          "seq-mean-token-sum-norm");

  private static final Set<String> SETTINGS =
      Set.of("clip_ratio_low", "clip_ratio_high", "clip_ratio_c", "token_weights");

  private static final Set<String> COMPARED = Set.of("loss", "log_probs", "entropies", "dlogits");

  public VerlLossVectors() {
    super(Set.of("policy_loss", "loss_agg_mode"), SETTINGS);
  }

  @Override
  void checkCase(Path file, JsonNode vector, CheckReport report) {
    if (!known(file, vector, "policy_loss", OBJECTIVES, report)
        || !known(file, vector, "loss_agg_mode", AGGREGATIONS, report)) {
      return;
    }
    LossVector loss = new LossVector(vector);
    PolicyLossConfig config = config(vector, loss.temperature);
    float[][] weights =
        config.objective() instanceof PolicyObjective.Gmpo
            ? aggregate(loss, Aggregation.SEQ_MEAN_TOKEN_MEAN, null) // it has no other
            : weights(vector, loss);
    // The metrics count all tokens, those of token weight 0 too: the mask as the other weight, with
    // no KL and no bonus, has them read.
    LossVector.Result result = loss.run(config, weights, loss.mask);
    JsonNode expected = VectorFiles.need(vector, "expected");
    double[] gradient = VectorFiles.numbers(expected, "dlogits");
    comparison(file, vector, loss.magnitude(false), report)
        .statistics(expected, loss.statistics())
        .value("loss", VectorFiles.number(expected, "loss"), result.metrics().loss())
        .gradient(gradient, result.gradient(), loss.largestSlope(gradient))
        .named(expected, COMPARED, name -> metric(name, config.objective(), result.metrics()))
        .done();
  }

  private static PolicyLossConfig config(JsonNode vector, double temperature) {
    PolicyLossConfig.Builder builder = PolicyLossConfig.builder().temperature(temperature);
    String objective = vector.path("policy_loss").asText();
    if (objective.equals("gpg")) {
      return builder.objective(new PolicyObjective.Gpg()).build();
    }
    double low = VectorFiles.number(vector, "clip_ratio_low");
    double high = VectorFiles.number(vector, "clip_ratio_high");
    if (objective.equals("geo_mean")) {
      return builder
          .objective(new PolicyObjective.Gmpo(low, high))
          .ratioLevel(RatioLevel.SEQUENCE)
          .build();
    }
    double dual = VectorFiles.number(vector, "clip_ratio_c", 3.0); // That release's default.
    return builder
        .objective(new PolicyObjective.Clip(low, high, dual, Double.POSITIVE_INFINITY))
        .build();
  }

  /** Null for a name that verl does not log, or logs of this objective in a way of its own. */
  private static @Nullable Double metric(
      String name, PolicyObjective objective, PolicyLossMetrics m) {
    double units = Math.max(1, m.units());
    boolean clip = objective instanceof PolicyObjective.Clip;
    return switch (name) {
      case "approx_kl" -> clip ? m.approxKl() : null;
      case "clip_fraction" -> clip ? (m.clipLowCount() + m.clipHighCount()) / units : null;
      case "clip_fraction_lower" -> clip ? m.dualClipCount() / units : null;
      default -> null;
    };
  }

  /** The aggregation as weights, [B][T]. */
  private static float[][] weights(JsonNode vector, LossVector loss) {
    double[] omega = LossVector.optional(vector, "token_weights", loss.rows());
    return switch (vector.path("loss_agg_mode").asText()) {
      case "token-mean" -> aggregate(loss, Aggregation.TOKEN_MEAN, null);
      case "token-mean-weighted" -> aggregate(loss, Aggregation.TOKEN_MEAN, omega);
      case "seq-mean-token-mean" -> aggregate(loss, Aggregation.SEQ_MEAN_TOKEN_MEAN, omega);
      case "seq-mean-token-sum" -> aggregate(loss, Aggregation.SEQ_MEAN_TOKEN_SUM, null);
      // That release divides the sum by the width T alone, not by B·T.
      default -> aggregate(loss, Aggregation.SEQ_MEAN_TOKEN_SUM_NORM, null, loss.sequences);
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
