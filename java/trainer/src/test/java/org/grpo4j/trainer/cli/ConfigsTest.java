package org.grpo4j.trainer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.TrainConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every file in configs/ loads, with its estimate; those of the paper have its numbers. */
class ConfigsTest {
  private static final Path CONFIGS = Path.of("../../configs");

  @Test
  void everyFileLoads() throws IOException {
    try (Stream<Path> files = Files.list(CONFIGS)) {
      List<Path> all = files.filter(f -> f.toString().endsWith(".yaml")).sorted().toList();
      assertTrue(all.size() >= 5, all.toString());
      for (Path file : all) {
        if (file.getFileName().toString().startsWith("compare")) {
          ConfigLoader.COMPARE.load(file, List.of());
        } else {
          assertTrue(dryRun(file).contains("together about"), file.toString());
        }
      }
    }
  }

  /** Parameters as the model cards count them. */
  @ParameterizedTest
  @CsvSource({
    "qwen3-1.7b.yaml, 1720574976",
    "qwen3-4b.yaml, 4022468096",
    "qwen3-8b.yaml, 8190735360",
    "llama-3.2-3b.yaml, 3212749824"
  })
  void thePublishedSetting(String name, long parameters) {
    Path file = CONFIGS.resolve(name);
    TrainConfig c = ConfigLoader.TRAIN.load(file, List.of());
    assertEquals(512, c.promptsPerRollout());
    assertEquals(2048, c.generationBatchSize());
    assertEquals(8, c.updatesPerRollout(), "mini-batches of 64 prompts");
    assertEquals(2048, c.data().maxPromptLength());
    assertEquals(2048, c.generation().maxCompletionLength());
    assertEquals(1e-6, c.optimizer().learningRate());
    assertEquals(15, c.optimizer().numTrainEpochs());
    assertEquals(0, c.objective().beta());
    String text = dryRun(file);
    assertTrue(text.contains(String.format(Locale.getDefault(), "%,d", parameters)), text);
    assertTrue(text.contains("together about"), text);
  }

  /** What {@code train --dry-run} prints; no checkpoint is here. */
  private static String dryRun(Path file) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status =
        Main.run(
            new PrintWriter(out),
            new PrintWriter(err),
            "train",
            "--config",
            file.toString(),
            "--dry-run");
    assertEquals(0, status, err.toString());
    return out.toString();
  }
}
