package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.advantage.AdvantageEstimator;
import org.grpo4j.trainer.advantage.AdvantageInput;
import org.grpo4j.trainer.advantage.ScaleRewards;

/**
 * Advantages of verl's estimators; fields group_ids, rewards, expected, optionally lengths. The
 * file may say the epsilon.
 */
public final class AdvantageVectors implements VectorChecker {
  /**
   * Tokens of each completion where the vectors do not say. Only whitening depends on it, through
   * n/(n − 1) of the variance over tokens.
   */
  private static final int DEFAULT_LENGTH = 5;

  @Override
  public boolean accepts(Path file) throws IOException {
    return VectorFiles.casesHave(file, "group_ids", "rewards", "expected");
  }

  @Override
  public void check(Path file, CheckReport report) throws IOException {
    double epsilon =
        VectorFiles.number(VectorFiles.header(file), "epsilon", AdvantageInput.DEFAULT_EPSILON);
    VectorFiles.forEachCase(
        file, report, (index, vector) -> checkCase(file, index, vector, epsilon, report));
  }

  private static void checkCase(
      Path file, int index, JsonNode vector, double epsilon, CheckReport report) {
    if (VectorFiles.need(vector, "expected").isEmpty()) {
      report.skipped(file, "case " + index, "expected holds no advantages");
    }
    for (Map.Entry<String, JsonNode> expected : VectorFiles.need(vector, "expected").properties()) {
      String name = "case " + index + " " + expected.getKey();
      AdvantageEstimator estimator;
      try {
        estimator = AdvantageEstimator.named(expected.getKey());
      } catch (InputException e) {
        report.skipped(file, name, "no advantage estimator " + expected.getKey());
        continue;
      }
      VectorFiles.compare(
          report,
          file,
          name,
          VectorFiles.numbers(vector.path("expected"), expected.getKey()),
          compute(estimator, vector, epsilon));
    }
  }

  private static double[] compute(AdvantageEstimator estimator, JsonNode vector, double epsilon) {
    double[] rewards = VectorFiles.numbers(vector, "rewards");
    JsonNode groups = VectorFiles.need(vector, "group_ids");
    if (groups.size() != rewards.length) {
      throw new InputException(
          "field group_ids has " + groups.size() + " values, rewards has " + rewards.length);
    }
    long[] groupIds = new long[rewards.length];
    int[] lengths = new int[rewards.length];
    Map<String, Long> idsByText = new HashMap<>(); // verl's are UUIDs
    for (int i = 0; i < rewards.length; i++) {
      groupIds[i] =
          idsByText.computeIfAbsent(groups.path(i).asText(), text -> (long) idsByText.size());
      lengths[i] = vector.path("lengths").path(i).asInt(DEFAULT_LENGTH);
    }
    // The vectors leave out groups of one for pass@k, on which the reference raises.
    int[] kept =
        IntStream.range(0, rewards.length)
            .filter(
                i ->
                    estimator != AdvantageEstimator.GRPO_PASSK
                        || Arrays.stream(groupIds).filter(id -> id == groupIds[i]).count() > 1)
            .toArray();
    return estimator.compute(
        new AdvantageInput(
            Arrays.stream(kept).mapToDouble(i -> rewards[i]).toArray(),
            Arrays.stream(kept).mapToLong(i -> groupIds[i]).toArray(),
            Arrays.stream(kept).map(i -> lengths[i]).toArray(),
            VectorFiles.number(vector, "epsilon", epsilon),
            ScaleRewards.GROUP));
  }
}
