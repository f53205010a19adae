package org.grpo4j.trainer.selfcheck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The reference vectors of rewards, token weights and advantages; skipped where they are absent.
 */
final class TrainerVectorsTest {
  @TempDir Path folder;

  @Test
  void rllaRewards() throws IOException {
    assertAllPass(new RllaRewardVectors(), "rlla_rewards.json", 1584);
  }

  @Test
  void toolRlRewards() throws IOException {
    assertAllPass(new ToolRlRewardVectors(), "toolrl_rewards.jsonl.gz", 3246);
  }

  @Test
  void restWeights() throws IOException {
    assertAllPass(new RestWeightVectors(), "rest_token_weights.json", 43);
    assertAllPass(new RestWeightVectors(), "rest_token_weights_toolrl.jsonl", 134);
  }

  @Test
  void advantages() throws IOException {
    assertAllPass(new AdvantageVectors(), "verl_advantages.json", 18);
  }

  @Test
  void bfclVerdicts() throws IOException {
    assertAllPass(new BfclVectors(), "bfcl_ast.jsonl", 1800);
  }

  @Test
  void bfclWithoutItsQuestionsIsNamedAndSkipped() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("v.jsonl"),
            "{\"id\": \"simple_python_0\", \"category\": \"simple_python\", \"output\": [],"
                + " \"valid\": false, \"error_type\": null}\n");
    Outcomes outcomes = new Outcomes();
    new BfclVectors().check(file, outcomes);
    assertEquals(List.of("1 cases: no folder data/bfcl_v4 beside the vectors"), outcomes.skipped);
  }

  @Test
  void everyFileHasAtMostOneOfTheseCheckers() throws IOException {
    List<VectorChecker> checkers =
        List.of(
            new RllaRewardVectors(),
            new ToolRlRewardVectors(),
            new RestWeightVectors(),
            new AdvantageVectors(),
            new BfclVectors());
    try (Stream<Path> files = Files.list(golden("."))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        int accepted = 0;
        for (VectorChecker checker : checkers) {
          accepted += checker.accepts(file) ? 1 : 0;
        }
        assertTrue(accepted <= 1, file + " is accepted by " + accepted);
      }
    }
  }

  @Test
  void otherFilesAreNotAccepted() throws IOException {
    // A file may be cut off, empty, no JSON at all, or gzip by its name only.
    for (String name : List.of("a.json", "b.jsonl", "c.jsonl.gz", "d.txt")) {
      for (String content : List.of("", "{\"cases\": [", "hello", "{}", "[1]")) {
        Path file = Files.writeString(folder.resolve(name), content);
        assertTrue(!new RllaRewardVectors().accepts(file), name + ": " + content);
        assertTrue(!new BfclVectors().accepts(file), name + ": " + content);
      }
    }
  }

  @Test
  void aWrongValueFailsWithBothValues() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("v.json"),
            "{\"cases\": [{\"group_ids\": [0, 0], \"rewards\": [1, 3],"
                + " \"expected\": {\"dr_grpo\": [-1, 1.5], \"gae\": [0, 0]}}]}");
    Outcomes outcomes = new Outcomes();
    new AdvantageVectors().check(file, outcomes);
    assertEquals(List.of("case 0 dr_grpo: [1] = 1.5, [1] = 1.0"), outcomes.failed);
    assertEquals(List.of("case 0 gae: no advantage estimator gae"), outcomes.skipped);
  }

  private static void assertAllPass(VectorChecker checker, String name, int cases)
      throws IOException {
    Path file = golden(name);
    assertTrue(checker.accepts(file), "accepts " + file);
    Outcomes outcomes = new Outcomes();
    checker.check(file, outcomes);
    assertEquals(List.of(), outcomes.failed.stream().limit(5).toList());
    assertEquals(List.of(), outcomes.skipped);
    assertEquals(cases, outcomes.passed);
  }

  private static Path golden(String name) {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      if (Files.isDirectory(at.resolve("shared/golden"))) {
        return at.resolve("shared/golden").resolve(name);
      }
    }
    Assumptions.abort("no shared/golden beside this checkout: " + name + " is absent");
    throw new AssertionError("not reached");
  }

  private static final class Outcomes implements CheckReport {
    int passed;
    final List<String> failed = new ArrayList<>();
    final List<String> skipped = new ArrayList<>();

    @Override
    public void passed(Path file, String caseName) {
      passed++;
    }

    @Override
    public void failed(Path file, String caseName, String expected, String got) {
      failed.add(caseName + ": " + expected + ", " + got);
    }

    @Override
    public void skipped(Path file, String caseName, String why) {
      skipped.add(caseName + ": " + why);
    }
  }
}
