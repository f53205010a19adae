package org.grpo4j.trainer.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.report.RunDirectory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VarianceRunTest {
  @TempDir Path folder;

  /** Two pairs of small rollouts of the embedded task. */
  @Test
  void weightingsRegionsAndEntropies() throws IOException {
    RunDirectory run = RunDirectory.create(folder.resolve("variance"));
    VarianceRun.measure(
        ConfigLoader.VARIANCE.load(
            null,
            List.of(
                "variance_batches=4",
                "num_generations=4",
                "per_device_train_batch_size=8",
                "steps_per_generation=2")),
        run,
        new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
    JsonNode json = new ObjectMapper().readTree(run.root().resolve("variance.json").toFile());
    JsonNode gradients = json.path("gradients");
    assertEquals(8, gradients.size(), "three weightings, five regions");
    assertEquals("none", gradients.path(0).path("name").asText());
    for (JsonNode gradient : gradients) {
      assertEquals(2, gradient.path("variances").size());
      assertTrue(gradient.path("variances").path(0).asDouble() > 0, gradient.toString());
    }
    assertEquals(1, gradients.path(0).path("variance_to_none").path("high").asDouble());
    JsonNode bins = json.path("entropy_bins");
    assertEquals(20, bins.size());
    double entropy = -1;
    double share = 0;
    for (JsonNode bin : bins) {
      assertTrue(bin.path("entropy").asDouble() >= entropy, "from the lowest");
      entropy = bin.path("entropy").asDouble();
      // ResT's bound, up to the rounding of fp32 statistics.
      assertTrue(bin.path("spread").asDouble() <= bin.path("bound").asDouble() + 1e-5);
      share += bin.path("share").asDouble();
    }
    assertEquals(1, share, 1e-9);
    JsonNode regions = json.path("regions");
    assertEquals(5, regions.size());
    entropy = -1;
    for (JsonNode region : regions) {
      assertTrue(region.path("entropy").asDouble() >= entropy, "from the lowest");
      entropy = region.path("entropy").asDouble();
    }
    // The gradient of a region's mean times its tokens, both pairs added up, to the first region's.
    assertEquals(
        perToken(regions.path(4), gradients) / perToken(regions.path(0), gradients),
        regions.path(4).path("variance_per_token_to_first").path("value").asDouble(),
        1e-9);
    String html = Files.readString(run.root().resolve("variance.html"));
    assertTrue(html.contains("<title>rest_entropy: "), "the interval of a weighting");
    assertTrue(html.contains("Variance per token of a region by its entropy"));
  }

  private static double perToken(JsonNode region, JsonNode gradients) {
    for (JsonNode gradient : gradients) {
      if (gradient.path("name").equals(region.path("name"))) {
        JsonNode variances = gradient.path("variances");
        return region.path("tokens").asDouble()
            * (variances.path(0).asDouble() + variances.path(1).asDouble());
      }
    }
    throw new AssertionError("no gradient of " + region.path("name"));
  }

  @Test
  void pairsNeedAnEvenNumber() {
    assertThrows(
        InputException.class,
        () -> ConfigLoader.VARIANCE.load(null, List.of("variance_batches=3")));
  }
}
