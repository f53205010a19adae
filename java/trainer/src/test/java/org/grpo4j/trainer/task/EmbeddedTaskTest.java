package org.grpo4j.trainer.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.grpo4j.trainer.data.DataReader;
import org.grpo4j.trainer.data.Example;
import org.grpo4j.trainer.reward.ExactCallReward;
import org.grpo4j.trainer.reward.RewardFunction;
import org.grpo4j.trainer.reward.RewardInput;
import org.grpo4j.trainer.reward.ToolRlOptions;
import org.grpo4j.trainer.reward.ToolRlReward;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class EmbeddedTaskTest {
  private static final Pattern NUMBER = Pattern.compile("[0-9]+");

  @Test
  void promptIsAFunctionOfSeedAndIndex() {
    assertEquals(
        EmbeddedTask.trainPrompts(7).apply(12345), EmbeddedTask.trainPrompts(7).apply(12345));
    assertNotEquals(
        EmbeddedTask.trainPrompts(7).apply(0).messages(),
        EmbeddedTask.trainPrompts(8).apply(0).messages());
    assertEquals(
        EmbeddedTask.heldOut(PhrasingSet.UNSEEN, 50, 1),
        EmbeddedTask.heldOut(PhrasingSet.UNSEEN, 200, 1).subList(0, 50));
  }

  @ParameterizedTest
  @EnumSource
  void heldOutNumbersAndPromptsNeverOccurInTraining(PhrasingSet phrasings) {
    Set<String> trainingNumbers = new HashSet<>();
    Set<String> trainingPrompts = new HashSet<>();
    training(3000)
        .forEach(
            e -> {
              trainingNumbers.addAll(numbers(e));
              trainingPrompts.add(EmbeddedTask.question(e));
            });
    List<Example> heldOut = EmbeddedTask.heldOut(phrasings, 400, 1);
    for (Example e : heldOut) {
      List<String> numbers = numbers(e);
      assertFalse(numbers.isEmpty(), e.answer());
      numbers.forEach(n -> assertFalse(trainingNumbers.contains(n), n + " in " + e.answer()));
      assertFalse(trainingPrompts.contains(EmbeddedTask.question(e)));
    }
    assertEquals(
        400, heldOut.stream().map(EmbeddedTask::question).distinct().count(), "distinct prompts");
  }

  @Test
  void wordingsOfTheThreeSetsAreDisjointAndHoldEveryParameter() {
    Set<String> all = new HashSet<>();
    for (ToolSpec tool : ToolCatalogue.TOOLS) {
      for (PhrasingSet set : PhrasingSet.values()) {
        for (String wording : tool.wordings(set)) {
          assertTrue(all.add(wording), wording);
          assertEquals(tool.parameters().size(), wording.chars().filter(c -> c == '{').count());
          tool.parameters()
              .forEach(p -> assertTrue(wording.contains("{" + p.name() + "}"), wording));
        }
      }
    }
    assertTrue(ToolCatalogue.TOOLS.size() >= 12);
  }

  @Test
  void everyNumberParameterHasValuesInBothSplits() {
    ToolCatalogue.TOOLS.stream()
        .flatMap(t -> t.parameters().stream())
        .filter(ToolParameter::isNumber)
        .forEach(
            p -> {
              for (Split split : Split.values()) {
                // A call may hold two numbers of one range, and they differ.
                long n = p.numbers().stream().filter(v -> Split.of(v) == split).count();
                assertTrue(n >= 2, p.name() + " has " + n + " values in " + split);
              }
            });
  }

  @Test
  void answerNamesAListedToolAndItsValuesStandInTheQuestion() {
    for (Example e : training(500).toList()) {
      String question = EmbeddedTask.question(e);
      List<String> lines = question.lines().toList();
      assertEquals(4, lines.size(), question);
      String tool = String.valueOf(e.extra().get("tool"));
      assertTrue(lines.subList(0, 3).stream().anyMatch(l -> l.startsWith(tool + "(")), question);
      assertTrue(e.answer().startsWith("<think>use " + tool + "</think>\n<tool_call>\n{"));
      numbers(e).forEach(n -> assertTrue(lines.get(3).contains(n), question + " / " + e.answer()));
    }
  }

  @Test
  void theAnswerItselfGetsTheHighestReward() {
    RewardFunction reward = new ToolRlReward(ToolRlOptions.of());
    for (PhrasingSet phrasings : PhrasingSet.values()) {
      for (Example e : EmbeddedTask.heldOut(phrasings, 200, 1)) {
        assertTrue(ExactCallReward.isExact(e.answer(), e.answer()), e.answer());
        double total = reward.score(RewardInput.ofText(e.answer(), e.answer(), 0)).total();
        assertEquals(4.0, total, 1e-9, "format 1 + correctness 3: " + e.answer());
      }
    }
  }

  @Test
  void dataFilesAreReadBackAsTheSameExamples(@TempDir Path folder) throws IOException {
    EmbeddedCheckpoint.writeData(folder, 20, 10, 5);
    List<Example> read = DataReader.read(folder.resolve("held-out-never.jsonl"));
    List<Example> made = EmbeddedTask.heldOut(PhrasingSet.NEVER, 10, 5);
    assertEquals(made.size(), read.size());
    for (int i = 0; i < made.size(); i++) {
      assertEquals(made.get(i).id(), read.get(i).id());
      assertEquals(made.get(i).messages(), read.get(i).messages());
      assertEquals(made.get(i).answer(), read.get(i).answer());
    }
    assertEquals(20, DataReader.read(folder.resolve("warm-start.jsonl")).size());
  }

  private static Stream<Example> training(int n) {
    return Stream.concat(
        EmbeddedTask.warmStart(n, 3).stream(),
        IntStream.range(0, n).mapToObj(EmbeddedTask.trainPrompts(3)));
  }

  private static List<String> numbers(Example e) {
    return NUMBER.matcher(e.answer()).results().map(MatchResult::group).toList();
  }
}
