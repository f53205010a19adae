package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import org.grpo4j.trainer.weight.RestCurriculum;
import org.grpo4j.trainer.weight.RestTokenWeights;
import org.grpo4j.trainer.weight.SpanPlacement;
import org.grpo4j.trainer.weight.TokenRegions;
import org.grpo4j.trainer.weight.ToolCallRegions;
import org.grpo4j.trainer.weight.WeightByRegion;

/**
 * ResT's release token weights, in two spellings: char_offsets, padded_length, expected_weights or
 * offsets, weights. Null weights mean that the release raises.
 */
public final class RestWeightVectors implements VectorChecker {

  @Override
  public boolean accepts(Path file) throws IOException {
    return VectorFiles.casesHave(file, "text", "step", "char_offsets", "expected_weights")
        || VectorFiles.casesHave(file, "text", "step", "offsets", "weights");
  }

  @Override
  public void check(Path file, CheckReport report) throws IOException {
    VectorFiles.forEachCase(
        file, report, (index, vector) -> checkCase(file, index, vector, report));
  }

  private static void checkCase(Path file, int index, JsonNode vector, CheckReport report) {
    double step = VectorFiles.number(vector, "step");
    String name = "case " + index + " " + vector.path("kind").asText("text") + " step " + step;
    JsonNode offsetsNode =
        VectorFiles.need(vector, vector.has("offsets") ? "offsets" : "char_offsets");
    String expectedField = vector.has("weights") ? "weights" : "expected_weights";
    JsonNode expected = VectorFiles.need(vector, expectedField);
    int[][] offsets = new int[offsetsNode.size()][];
    for (int t = 0; t < offsets.length; t++) {
      JsonNode pair = offsetsNode.get(t);
      offsets[t] = new int[] {pair.get(0).asInt(), pair.get(1).asInt()};
    }
    TokenRegions regions =
        TokenRegions.of(
            vector.path("text").asText(), offsets, new ToolCallRegions(), SpanPlacement.RELEASE);
    boolean raises = !regions.unplaced().isEmpty();
    if (expected.isNull() || raises) {
      if (expected.isNull() && raises) {
        report.passed(file, name);
      } else {
        report.failed(file, name, raises ? "weights" : "an error", raises ? "an error" : "weights");
      }
      return;
    }
    float[] completionMask = new float[vector.path("padded_length").asInt(offsets.length)];
    Arrays.fill(completionMask, 0, offsets.length, 1);
    float[] weights =
        RestTokenWeights.release()
            .compute(
                regions.sets(),
                completionMask,
                RestCurriculum.release().at(WeightByRegion.release(), step, 0));
    double[] got = new double[weights.length];
    for (int t = 0; t < got.length; t++) {
      got[t] = weights[t];
    }
    VectorFiles.compare(report, file, name, VectorFiles.numbers(vector, expectedField), got);
  }
}
