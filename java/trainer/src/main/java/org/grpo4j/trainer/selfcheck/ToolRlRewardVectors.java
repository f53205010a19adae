package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.grpo4j.trainer.reward.ToolRlOptions;
import org.grpo4j.trainer.reward.ToolRlOptions.Release;
import org.grpo4j.trainer.reward.ToolRlOptions.Switch;

/** Rewards of mutated completions in both published forms; fields gt, response, toolrl, rest. */
public final class ToolRlRewardVectors implements VectorChecker {
  private static final Map<String, Release> RELEASES =
      Map.of("toolrl", Release.TOOLRL, "rest", Release.REST);

  @Override
  public boolean accepts(Path file) throws IOException {
    return VectorFiles.casesHave(file, "gt", "response")
        && (VectorFiles.casesHave(file, "toolrl") || VectorFiles.casesHave(file, "rest"));
  }

  @Override
  public void check(Path file, CheckReport report) throws IOException {
    VectorFiles.forEachCase(
        file, report, (index, vector) -> checkCase(file, index, vector, report));
  }

  private static void checkCase(Path file, int index, JsonNode vector, CheckReport report) {
    long step = (long) VectorFiles.number(vector, "step", 0);
    String name = "case " + index + " " + vector.path("mutation").asText() + " step " + step;
    Set<Switch> switches =
        vector.path("schedule_reward").asBoolean() ? Set.of(Switch.SCHEDULEREWARD) : Set.of();
    for (Map.Entry<String, Release> release : RELEASES.entrySet()) {
      if (!vector.has(release.getKey())) {
        continue;
      }
      ToolRlOptions options =
          new ToolRlOptions(release.getValue(), ToolRlOptions.ChatFrame.CHATML, switches);
      RewardVerdict expected = RewardVerdict.expected(vector.path(release.getKey()), "score");
      RewardVerdict got =
          RewardVerdict.computed(
              options,
              VectorFiles.need(vector, "response").asText(),
              VectorFiles.need(vector, "gt").asText(),
              step);
      if (!expected.agrees(got)) {
        report.failed(file, name, release.getKey() + " " + expected, got.toString());
        return;
      }
    }
    report.passed(file, name);
  }
}
