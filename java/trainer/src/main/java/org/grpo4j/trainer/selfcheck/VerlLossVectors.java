package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.trainer.weight.Aggregation;
import org.grpo4j.trainer.weight.TokenWeights;
import org.jspecify.annotations.Nullable;

/**
 * The policy losses of ResT's release (verl): dual clip under every aggregation, through the
 * kernels' public API. Cases of another objective are skipped by name.
 */
public final class VerlLossVectors implements VectorChecker {

  @Override
  public boolean accepts(Path file) throws IOException {
    return VectorFiles.casesHave(
        file, "policy_loss", "loss_agg_mode", "logits", "completion_mask", "expected");
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
    String objective = VectorFiles.need(vector, "policy_loss").asText();
    if (!objective.equals("vanilla")) {
      report.skipped(file, name, "objective " + objective + " comes with the other objectives");
      return;
    }
    LossVector loss = new LossVector(vector);
    float[][] weights = weights(vector, loss);
    if (weights == null) {
      report.skipped(file, name, "aggregation " + vector.path("loss_agg_mode").asText());
      return;
    }
    // The metrics count all tokens, those of token weight 0 too: the mask as the other weight, with
    // no KL and no bonus, has them read.
    compare(
        vector,
        loss.run(config(vector), weights, loss.mask),
        new LossComparison(report, file, name));
  }

  private static PolicyLossConfig config(JsonNode vector) {
    return PolicyLossConfig.builder()
        .clipLow(vector.path("clip_ratio_low").asDouble())
        .clipHigh(vector.path("clip_ratio_high").asDouble())
        .dualClip(vector.path("clip_ratio_c").asDouble(Double.POSITIVE_INFINITY))
        .build();
  }

  private static void compare(
      JsonNode vector, LossVector.Result result, LossComparison comparison) {
    JsonNode expected = vector.path("expected");
    PolicyLossMetrics m = result.metrics();
    double rows = m.rows();
    comparison
        .value("loss", expected.path("loss").asDouble(), m.loss())
        .value("approx_kl", expected.path("approx_kl").asDouble(), m.approxKl())
        .value(
            "clip_fraction",
            expected.path("clip_fraction").asDouble(),
            (m.clipLowCount() + m.clipHighCount()) / rows)
        .value(
            "clip_fraction_lower",
            expected.path("clip_fraction_lower").asDouble(),
            m.dualClipCount() / rows)
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
