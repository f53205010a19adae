package org.grpo4j.trainer.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The report of made-up runs against statistics worked out by hand. */
class ComparisonReportTest {
  private static final long[] SEEDS = {6, 7, 8};
  private static final double[] GRPO = {0.30, 0.32, 0.34};
  private static final double[] REST = {0.31, 0.35, 0.36};
  private static final double[] DAPO = {0.28, 0.34, 0.37};

  @TempDir Path folder;

  /** A run of 24 logged steps of 100 tokens. */
  private ComparisonReport.Entry run(String method, int index, double exact, boolean measured) {
    long seed = SEEDS[index];
    RunDirectory run = RunDirectory.create(folder.resolve(method + "-" + seed));
    try (MetricsLog log = MetricsLog.open(run, List.of("jsonl"), 0)) {
      for (int step = 1; step <= 24; step++) {
        Map<String, Number> row = new LinkedHashMap<>();
        // 0.2, 0.4 and 0.6 by seed: mean 0.4, standard deviation 0.2.
        row.put("exact", 0.2 * (index + 1));
        row.put("num_tokens", 100.0 * step);
        // Farthest from 1 in one step of the second seed, below it.
        row.put("ratio/min", index == 1 && step == 5 ? 0.75 : 0.9);
        row.put("ratio/max", 1.125);
        if (measured) {
          // Quotient of the sums 2, 3 and 4 by seed, whatever the single quotients are.
          row.put("gradient/variance", (index + 2.0) * (step % 2 == 0 ? 3 : 1));
          row.put("gradient/signal", step % 2 == 0 ? 1.0 : 3.0);
        }
        log.log(step, row);
      }
    }
    Summary.Scores before = new Summary.Scores(0, 0.25, 0.2, 1);
    Summary.Scores after = new Summary.Scores(1, exact, exact - 0.1, 1);
    run.writeSummary(new Summary(before, after, 100, 24, 10 + 2 * index, 50, seed, method));
    return new ComparisonReport.Entry("single", method, seed, run);
  }

  private List<ComparisonReport.Entry> runs(String method, boolean measured, double... exact) {
    List<ComparisonReport.Entry> entries = new ArrayList<>();
    for (int i = 0; i < exact.length; i++) {
      entries.add(run(method, i, exact[i], measured));
    }
    return entries;
  }

  private JsonNode write(List<ComparisonReport.Entry> entries) throws IOException {
    ComparisonReport.write(folder, entries, "grpo", 2400);
    return new ObjectMapper().readTree(folder.resolve("comparison.json").toFile()).path("single");
  }

  @Test
  void intervalsAndPairedTests() throws IOException {
    List<ComparisonReport.Entry> entries = runs("grpo", true, GRPO);
    entries.addAll(runs("rest", true, REST));
    entries.addAll(runs("dapo", true, DAPO));
    JsonNode json = write(entries);
    JsonNode grpo = json.path("grpo").path("exact");
    // t(0.975) on 2 degrees of freedom is 4.302653; the standard deviation 0.02.
    assertEquals(0.32, grpo.path("mean").asDouble(), 1e-12);
    assertEquals(0.32 - 4.302653 * 0.02 / Math.sqrt(3), grpo.path("low").asDouble(), 1e-6);
    assertEquals(0.32 + 4.302653 * 0.02 / Math.sqrt(3), grpo.path("high").asDouble(), 1e-6);
    assertFalse(grpo.has("difference"), "the baseline is not tested against itself");
    assertEquals("[6,7,8]", json.path("grpo").path("seeds").toString());

    // Differences 0.01, 0.03, 0.02: t = √12, and p = 1 − t/√(t² + 2) on 2 degrees of freedom.
    JsonNode rest = json.path("rest").path("exact");
    assertEquals(0.02, rest.path("difference").asDouble(), 1e-12);
    assertEquals(1 - Math.sqrt(12.0 / 14), rest.path("p_paired_t").asDouble(), 1e-9);
    assertEquals(0.25, rest.path("p_signed_rank").asDouble(), 1e-9, "2 of 8 signs");
    // Differences −0.02, 0.02, 0.03: mean 0.01, variance 0.0007.
    double t = 0.01 / Math.sqrt(0.0007 / 3);
    double p = 1 - t / Math.sqrt(t * t + 2);
    assertEquals(p, json.path("dapo").path("exact").path("p_paired_t").asDouble(), 1e-9);

    // Quotients 2, 3, 4; the seconds 10, 12, 14.
    assertEquals(3, json.path("rest").path("gradient_noise").path("mean").asDouble(), 1e-12);
    assertEquals(12, json.path("rest").path("seconds").path("mean").asDouble(), 1e-12);

    assertEquals(
        "[0.125,0.25,0.125]", json.path("rest").path("off_policy").path("by_seed").toString());

    String markdown = Files.readString(folder.resolve("comparison.md"));
    assertTrue(
        markdown.contains(
            "| grpo | 3 | 0.320 [0.270, 0.370] | 0.220 [0.170, 0.270] | 1.000 [1.000, 1.000]"
                + " | 3.000 [0.516, 5.484] | 2.5e-01 | 24 | 12.000 [7.032, 16.968] |"),
        markdown);
    // Holm: the smaller p times 2, the other as it is. The noise is the same for all.
    assertTrue(
        markdown.contains(
            "| rest | 0.020 [-0.005, 0.045] | 0.074 | 0.148 | 0.250 | 0.020 [-0.005, 0.045] | 0.074"
                + " | 0.000 [0.000, 0.000] | 1.000 |"),
        markdown);
    assertTrue(markdown.contains("| dapo | 0.010 [-0.056, 0.076] | 0.580 | 0.580 |"), markdown);

    String html = Files.readString(folder.resolve("comparison.html"));
    assertTrue(html.contains("grpo: 0.4\nrest: 0.4\ndapo: 0.4"), "curves: means over the seeds");
    assertEquals(1 + 2 * 3, html.split("<polygon class=\"band", -1).length, "a band for each line");
    assertTrue(html.contains("<title>rest: 0.340 [0.274, 0.406]</title>"), "accuracy's interval");
    assertTrue(html.contains("<title>rest: 3.000 [0.516, 5.484]</title>"), "the noise's interval");
  }

  /** Only seeds that both have are compared. */
  @Test
  void seedsArePaired() throws IOException {
    List<ComparisonReport.Entry> entries = runs("grpo", true, 0.5, 0.3);
    entries.addAll(runs("rest", true, REST));
    JsonNode rest = write(entries).path("rest").path("exact");
    assertEquals((0.31 - 0.5 + 0.35 - 0.3) / 2, rest.path("difference").asDouble(), 1e-12);
    assertEquals(3, rest.path("by_seed").size());
  }

  @Test
  void withoutGradientVarianceThereIsNoneInTheReport() throws IOException {
    List<ComparisonReport.Entry> entries = runs("grpo", false, GRPO);
    entries.addAll(runs("rest", false, REST));
    JsonNode rest = write(entries).path("rest");
    assertTrue(rest.path("gradient_noise").path("mean").isNull());
    assertTrue(rest.path("gradient_noise").path("p_paired_t").isNull());
    assertFalse(Files.readString(folder.resolve("comparison.html")).contains("Variance of a step"));
  }

  /** As while a comparison is running: one seed says nothing about the spread. */
  @Test
  void oneSeedHasNoInterval() throws IOException {
    List<ComparisonReport.Entry> entries = runs("grpo", true, 0.3);
    entries.addAll(runs("rest", true, 0.31));
    JsonNode rest = write(entries).path("rest").path("exact");
    assertTrue(rest.path("low").isNull() && rest.path("p_paired_t").isNull());
    assertEquals(0.01, rest.path("difference").asDouble(), 1e-12);
  }
}
