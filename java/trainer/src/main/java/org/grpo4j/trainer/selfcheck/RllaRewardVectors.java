package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
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
    return VectorFiles.casesHave(file, "options", "step", "completion", "answer", "expected");
  }

  @Override
  public void check(Path file, CheckReport report) throws IOException {
    VectorFiles.forEachCase(
        file, report, (index, vector) -> checkCase(file, index, vector, report));
  }

  private static void checkCase(Path file, int index, JsonNode vector, CheckReport report) {
    long step = (long) VectorFiles.number(vector, "step");
    String name = "case " + index + " " + vector.path("options") + " step " + step;
    ChatFrame chatFrame = ChatFrame.CHATML;
    Set<Switch> switches = EnumSet.noneOf(Switch.class);
    for (Map.Entry<String, JsonNode> option : VectorFiles.need(vector, "options").properties()) {
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
    RewardVerdict expected = RewardVerdict.expected(VectorFiles.need(vector, "expected"), "total");
    RewardVerdict got =
        RewardVerdict.computed(
            new ToolRlOptions(ToolRlOptions.Release.REST, chatFrame, switches),
            VectorFiles.need(vector, "completion").asText(),
            VectorFiles.need(vector, "answer").asText(),
            step);
    if (expected.agrees(got)) {
      report.passed(file, name);
    } else {
      report.failed(file, name, expected.toString(), got.toString());
    }
  }
}
