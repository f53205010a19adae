package org.grpo4j.trainer.selfcheck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The reference vectors of rewards, token weights and advantages; skipped where they are absent.
 */
final class TrainerVectorsTest {
  @TempDir Path folder;

  @Test
  void rllaRewards() throws IOException {
    GoldenVectors.assertAllPass(new RllaRewardVectors(), "rlla_rewards.json", 1584);
  }

  @Test
  void toolRlRewards() throws IOException {
    GoldenVectors.assertAllPass(new ToolRlRewardVectors(), "toolrl_rewards.jsonl.gz", 3246);
  }

  @Test
  void restWeights() throws IOException {
    GoldenVectors.assertAllPass(new RestWeightVectors(), "rest_token_weights.json", 43);
    GoldenVectors.assertAllPass(new RestWeightVectors(), "rest_token_weights_toolrl.jsonl", 134);
  }

  @Test
  void advantages() throws IOException {
    GoldenVectors.assertAllPass(new AdvantageVectors(), "verl_advantages.json", 18);
  }

  @Test
  void bfclVerdicts() throws IOException {
    GoldenVectors.assertAllPass(new BfclVectors(), "bfcl_ast.jsonl", 1800);
  }

  @Test
  void bfclWithoutItsQuestionsIsNamedAndSkipped() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("v.jsonl"),
            "{\"id\": \"simple_python_0\", \"category\": \"simple_python\", \"output\": [],"
                + " \"valid\": false, \"error_type\": null}\n");
    RecordedReport report = RecordedReport.of(new BfclVectors(), file);
    assertEquals(List.of("1 cases: no folder data/bfcl_v4 beside the vectors"), report.skipped);
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
    try (Stream<Path> files = Files.list(GoldenVectors.file(""))) {
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
  void advantagesTakeTheFilesEpsilonAndAnyGroupIds() throws IOException {
    // σ is √2 in both groups.
    Path file =
        Files.writeString(
            folder.resolve("v.json"),
            "{\"epsilon\": 1, \"cases\": [{\"group_ids\": [\"a\", \"b\", \"b\", \"a\"],"
                + " \"rewards\": [1, 5, 3, 3], \"expected\": {\"grpo\": [-0.414213562, 0.414213562,"
                + " -0.414213562, 0.414213562]}}, {\"group_ids\": [1], \"rewards\": [1],"
                + " \"expected\": {}}, {\"group_ids\": [1], \"rewards\": [null],"
                + " \"expected\": {\"grpo\": [0]}}]}");
    RecordedReport report = RecordedReport.of(new AdvantageVectors(), file);
    assertEquals(List.of("case 0 grpo"), report.passed);
    assertEquals(List.of("case 1: expected holds no advantages"), report.skipped);
    assertTrue(report.failed.get(0).contains("field rewards has null at 0"));
  }

  @Test
  void aWrongValueFailsWithBothValues() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("v.json"),
            "{\"cases\": [{\"group_ids\": [0, 0], \"rewards\": [1, 3],"
                + " \"expected\": {\"dr_grpo\": [-1, 1.5], \"gae\": [0, 0]}}]}");
    RecordedReport report = RecordedReport.of(new AdvantageVectors(), file);
    assertEquals(List.of("case 0 dr_grpo: expected [1] = 1.5, got [1] = 1.0"), report.failed);
    assertEquals(List.of("case 0 gae: no advantage estimator gae"), report.skipped);
  }
}
