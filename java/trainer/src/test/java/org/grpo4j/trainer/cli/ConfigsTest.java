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
        boolean compares = file.getFileName().toString().startsWith("compare");
        String text = dryRun(compares ? "compare" : "train", file);
        assertTrue(text.contains("together about"), file.toString());
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
    String text = dryRun("train", file);
    assertTrue(text.contains(String.format(Locale.getDefault(), "%,d", parameters)), text);
    assertTrue(text.contains("together about"), text);
  }

  @Test
  void aComparisonsPlan() {
    String text = dryRun("compare", CONFIGS.resolve("compare-ablations.yaml"));
    assertTrue(text.contains("# 20 runs of 1,400,000 sampled tokens: 28,000,000; 0 of"), text);
    // 28,000,000 / 12,000 / 60.
    assertTrue(text.contains("# single: 20 runs left, about 39 min at 12,000 tokens/s"), text);
    assertTrue(text.contains("methods: [\"rest\",\"rest_no_curriculum\""), text);
  }

  /** What {@code --dry-run} prints; none of the published checkpoints is here. */
  private static String dryRun(String command, Path file) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status =
        Main.run(
            new PrintWriter(out),
            new PrintWriter(err),
            command,
            "--config",
            file.toString(),
            "--dry-run");
    assertEquals(0, status, err.toString());
    return out.toString();
  }
}
