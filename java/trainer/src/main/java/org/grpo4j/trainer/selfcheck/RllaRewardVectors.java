package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.grpo4j.trainer.reward.ToolRlOptions;
import org.grpo4j.trainer.reward.ToolRlOptions.ChatFrame;
import org.grpo4j.trainer.reward.ToolRlOptions.Switch;

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
    ChatFrame chatFrame = ChatFrame.CHATML;
    Set<Switch> switches = EnumSet.noneOf(Switch.class);
    for (Map.Entry<String, JsonNode> option : vector.path("options").properties()) {
      String value = option.getValue().asText();
      Optional<Switch> known =
          Arrays.stream(Switch.values()).filter(s -> s.name().equals(option.getKey())).findFirst();
      if (known.isPresent()) {
        if (value.equals("1")) { // Environment variables: any other value leaves it off.
          switches.add(known.get());
        }
      } else if (option.getKey().equals("EXPERIMENT_NAME")) {
        chatFrame = value.contains("llama") ? ChatFrame.LLAMA3 : ChatFrame.CHATML;
      } else {
        report.skipped(file, name, "unknown option " + option.getKey());
        return;
      }
    }
    RewardVerdict expected = RewardVerdict.expected(vector.path("expected"), "total");
    RewardVerdict got =
        RewardVerdict.computed(
            new ToolRlOptions(ToolRlOptions.Release.REST, chatFrame, switches),
            vector.path("completion").asText(),
            vector.path("answer").asText(),
            step);
    if (expected.agrees(got)) {
      report.passed(file, name);
    } else {
      report.failed(file, name, expected.toString(), got.toString());
    }
  }
}
