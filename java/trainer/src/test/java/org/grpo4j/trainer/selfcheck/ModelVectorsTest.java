package org.grpo4j.trainer.selfcheck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelVectorsTest {
  private final ModelVectors checker = new ModelVectors();

  @ParameterizedTest
  @ValueSource(strings = {"qwen3", "qwen2", "llama3", "llama-bias"})
  void agreesWithTransformers(String model) throws IOException {
    Path file = GoldenVectors.file("models/" + model + "/reference.json");
    assertTrue(checker.accepts(file));
    RecordedReport report = RecordedReport.of(checker, file);
    assertEquals(List.of(), report.failed);
    assertEquals(List.of(), report.skipped);
    assertTrue(report.passed.size() > 20, () -> "only " + report.passed);
  }

  @Test
  void leavesOtherFilesAlone() throws IOException {
    assertFalse(checker.accepts(GoldenVectors.file("models/qwen3/config.json")));
    assertFalse(checker.accepts(GoldenVectors.file("verl_losses.json")));
  }
}
