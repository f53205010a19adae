package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.reward.ToolRlOptions;

/** ResT's rewards under every option; fields options, step, completion, answer, expected. */
public final class RllaRewardVectors implements VectorChecker {

  @Override
  public boolean accepts(Path file) throws IOException {
    return VectorFiles.firstCaseHas(file, "options", "step", "completion", "answer", "expected");
  }

  @Override
  public void check(Path file, CheckReport report) throws IOException {
    List<JsonNode> cases = VectorFiles.cases(file);
    for (int i = 0; i < cases.size(); i++) {
      checkCase(file, i, cases.get(i), report);
    }
  }

  private static void checkCase(Path file, int index, JsonNode vector, CheckReport report) {
    long step = vector.path("step").asLong();
    String name = "case " + index + " " + vector.path("options") + " step " + step;
    ToolRlOptions.Builder options = ToolRlOptions.builder();
    for (Map.Entry<String, JsonNode> option : vector.path("options").properties()) {
      if (!set(options, option.getKey(), option.getValue().asText())) {
        report.skipped(file, name, "unknown option " + option.getKey());
        return;
      }
    }
    RewardVerdict expected = RewardVerdict.expected(vector.path("expected"), "total");
    RewardVerdict got =
        RewardVerdict.computed(
            options.build(),
            vector.path("completion").asText(),
            vector.path("answer").asText(),
            step);
    if (expected.agrees(got)) {
      report.passed(file, name);
    } else {
      report.failed(file, name, expected.toString(), got.toString());
    }
  }

  /** Sets an option by the name of its environment variable; only "1" turns one on. */
  private static boolean set(ToolRlOptions.Builder options, String name, String value) {
    boolean on = value.equals("1");
    switch (name) {
      case "SCHEDULEREWARD" -> options.scheduleReward(on);
      case "CORRECTMAX1" -> options.correctMax1(on);
      case "MAX1STEP30MAX3" -> options.max1Step30Max3(on);
      case "COARSEREWARD" -> options.coarse(on);
      case "REFINEDREWARD" -> options.refined(on);
      case "INTERMEDIATEREWARD" -> options.intermediate(on);
      case "WITHLENGTH" -> options.withLength(on);
      case "SCHEDULELENGTH" -> options.scheduleLength(on);
      case "EXPERIMENT_NAME" ->
          options.chatFrame(
              value.contains("llama")
                  ? ToolRlOptions.ChatFrame.LLAMA3
                  : ToolRlOptions.ChatFrame.CHATML);
      default -> {
        return false;
      }
    }
    return true;
  }
}
