package org.grpo4j.trainer.selfcheck;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelVectorsTest {
  private final ModelVectors checker = new ModelVectors();

  @ParameterizedTest
  @ValueSource(strings = {"qwen3", "qwen2", "llama3", "llama-bias"})
  void agreesWithTransformers(String model) throws IOException {
    Path file = golden("models/" + model + "/reference.json");
    assertTrue(checker.accepts(file));
    List<String> failures = new ArrayList<>();
    List<String> passed = new ArrayList<>();
    checker.check(file, recorder(passed, failures));
    assertTrue(failures.isEmpty(), () -> String.join("\n", failures));
    assertTrue(passed.size() > 20, () -> "only " + passed);
  }

  @Test
  void leavesOtherFilesAlone() throws IOException {
    assertFalse(checker.accepts(golden("models/qwen3/config.json")));
    assertFalse(checker.accepts(golden("verl_losses.json")));
  }

  private static CheckReport recorder(List<String> passed, List<String> failures) {
    return new CheckReport() {
      @Override
      public void passed(Path file, String caseName) {
        passed.add(caseName);
      }

      @Override
      public void failed(Path file, String caseName, String expected, String got) {
        failures.add(caseName + ": expected " + expected + ", got " + got);
      }

      @Override
      public void skipped(Path file, String caseName, String why) {
        failures.add(caseName + " skipped: " + why);
      }
    };
  }

  private static Path golden(String name) {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      Path candidate = at.resolve("shared/golden").resolve(name);
      if (Files.exists(candidate)) {
        return candidate;
      }
    }
    Assumptions.abort("skipped: no shared/golden/" + name + " beside the project");
    throw new IllegalStateException();
  }
}
