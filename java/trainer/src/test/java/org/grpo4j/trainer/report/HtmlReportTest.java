package org.grpo4j.trainer.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HtmlReportTest {
  @TempDir Path folder;

  /** A run that looks like a real one, with text that would break a page if it were not escaped. */
  static RunDirectory sampleRun(Path root, int steps) {
    RunDirectory run = RunDirectory.create(root);
    run.writeConfig("model_name_or_path: embedded\nrun_name: \"<script>alert(1)</script>\"\n");
    run.writeVersions(Map.of("grpo4j", "0.1.0", "os", "Linux & more"));
    Random random = new Random(1);
    try (MetricsLog log = MetricsLog.open(run, List.of("jsonl"), 0)) {
      for (int step = 1; step <= steps; step++) {
        log.log(step, metrics(step, (double) step / steps, random));
      }
    }
    for (int step : List.of(1, steps / 2, steps)) {
      run.writeCompletions(step, completions(step));
    }
    Summary.Scores before = new Summary.Scores(1.12, 0.30, 0.19, 0.93);
    Summary.Scores after = new Summary.Scores(3.31, 0.66, 0.60, 0.99);
    run.writeSummary(new Summary(before, after, 200, steps, 91.3, 8123, 1, "grpo+rest"));
    return run;
  }

  private static Map<String, Number> metrics(int step, double progress, Random random) {
    Map<String, Number> row = new LinkedHashMap<>();
    row.put("reward", 1.1 + 2.1 * progress + 0.2 * random.nextGaussian());
    row.put("rewards/toolrl/mean", 1.0 + 2.1 * progress + 0.2 * random.nextGaussian());
    if (step % 25 == 0) {
      row.put("eval/exact", 0.3 + 0.36 * progress);
      row.put("eval/sampled", 0.19 + 0.41 * progress);
    }
    for (String region : List.of("format", "tool_name", "arguments", "reasoning")) {
      row.put("entropy/" + region, 0.1 + random.nextDouble() * 0.1 + region.length() * 0.03);
    }
    row.put("entropy", 0.4 - 0.2 * progress);
    row.put("clip_ratio/low_mean", 0.01 * random.nextDouble());
    row.put("clip_ratio/high_mean", 0.02 * random.nextDouble());
    row.put("kl", 0.0);
    row.put("grad_norm", 1 + random.nextDouble());
    row.put("tokens_per_second", 8000 + 500 * random.nextGaussian());
    row.put("learning_rate", 3e-4);
    row.put("loss", Double.NaN);
    return row;
  }

  private static List<LoggedCompletion> completions(int step) {
    List<String> tokens =
        List.of(
            "<think>",
            "use",
            " get",
            "_weather",
            "</think>",
            "\n",
            "<tool_call>",
            "\n",
            "{\"name\"",
            ": \"",
            "get_weather",
            "\", \"parameters\"",
            ": ",
            "{\"city\"",
            ": \"",
            "Łódź 🌧",
            "\"}",
            "}",
            "\n",
            "</tool_call>",
            "<|im_end|>");
    List<Float> weights = new ArrayList<>();
    for (int i = 0; i < tokens.size(); i++) {
      weights.add(i == 10 ? 1.2f : i % 4 == 0 ? 1.0f : i > 12 && i < 17 ? 0.7f : 0f);
    }
    List<LoggedCompletion> all = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      all.add(
          new LoggedCompletion(
              step,
              "Tools: get_weather(city)\n<b>What's</b> the weather in \"Łódź\"? & more",
              String.join("", tokens),
              Map.of("toolrl", (double) i),
              i,
              i - 2,
              tokens,
              weights));
    }
    return all;
  }

  @Test
  void thePageStandsAloneAndEscapesAllText() throws IOException {
    RunDirectory run = sampleRun(folder.resolve("a<b>&run"), 300);
    HtmlReport.write(run);
    String page = Files.readString(run.report());
    assertFalse(page.contains("<script"), "text of the config became markup");
    assertFalse(page.contains("<b>What"), "text of a prompt became markup");
    assertFalse(page.contains("<think>"), "a token became markup");
    assertFalse(page.matches("(?s).*(https?:|src=|url\\(|@import).*"), "outside resource");
    assertTrue(page.contains("&lt;think&gt;"));
    assertTrue(page.contains("a&lt;b&gt;&amp;run"));
    assertTrue(page.contains("prefers-color-scheme: dark"));
    for (String title : List.of("Reward", "Accuracy of calls", "Entropy by region", "Clipped")) {
      assertTrue(page.contains(title), title);
    }
    assertFalse(page.contains(">Loss<"), "a metric without a finite value has no chart");
    assertFalse(page.contains("NaN"));
    assertTrue(page.contains("title=\"1.200\">get_weather<"));
    assertEquals(9, page.split("<article").length - 1);
  }

  /** Two regions over two steps; t(0.975) on one degree of freedom is 12.7062. */
  @Test
  void regionsAreSortedByEntropyWithIntervals() throws IOException {
    RunDirectory run = RunDirectory.create(folder.resolve("theory"));
    try (MetricsLog log = MetricsLog.open(run, List.of("jsonl"), 0)) {
      for (int step = 1; step <= 2; step++) {
        Map<String, Number> row = new LinkedHashMap<>();
        row.put("entropy/reasoning", 0.5 + 0.1 * step);
        row.put("entropy/format", 0.01 * step);
        row.put("one_minus_sum_p2/reasoning", 0.3);
        row.put("one_minus_sum_p2/format", 0.02);
        row.put("token_weight/format", 1.5);
        row.put("grad_share/format", 0.25);
        row.put("gradient/variance", 2.0 * step);
        row.put("gradient/signal", 1.0);
        log.log(step, row);
      }
    }
    HtmlReport.write(run);
    String html = Files.readString(run.report());
    int format =
        html.indexOf(
            "<td>format</td><td>0.015 [-0.049, 0.079]</td><td>0.020 [0.020, 0.020]</td><td>1.500"
                + " [1.500, 1.500]</td><td>0.250 [0.250, 0.250]</td>");
    int reasoning = html.indexOf("<td>reasoning</td><td>0.650 [0.015, 1.285]</td>");
    assertTrue(format > 0 && reasoning > format, html);
    assertTrue(html.contains("logged steps: 3.000 ["), "variance over signal of the run");
    assertTrue(html.contains("1 − Σp² of a region by its entropy"));
  }

  @Test
  void aRunThatWasKilledAtOnceHasAReport() throws IOException {
    RunDirectory run = RunDirectory.create(folder.resolve("run"));
    HtmlReport.write(run);
    String page = Files.readString(run.report());
    assertTrue(page.contains("No step was logged") && page.contains("no summary yet"));
  }

  @Test
  void oneStepAndConstantValuesDraw() throws IOException {
    RunDirectory run = sampleRun(folder.resolve("run"), 2);
    String page = HtmlReport.render(run);
    assertFalse(page.contains("NaN") || page.contains("Infinity"));
    LineChart one = new LineChart("one");
    one.add("v", List.of(new LineChart.Point(5, 0)));
    assertTrue(one.render().contains("<circle"));
    assertFalse(one.render().contains("NaN"));
  }

  @Test
  void whatToolsWroteLooksDifferent() throws IOException {
    RunDirectory run = RunDirectory.create(folder.resolve("turns"));
    LoggedConversation conversation =
        new LoggedConversation(
            List.of(1, 0, 1),
            List.of(
                new LoggedConversation.Turn("call", List.of("21"), 0, -0.1),
                new LoggedConversation.Turn("<b>", List.of(), 0, 0)),
            "turn_limit",
            true);
    run.writeCompletions(
        1,
        List.of(
            new LoggedCompletion(
                1,
                "warm?",
                "call 21 <b>",
                Map.of("environment", 0.9),
                0.9,
                0,
                List.of("call", "tool <21>", "<b>"),
                List.of(1.0f, 0.0f, 0.5f),
                conversation)));
    String page = HtmlReport.render(run);
    assertTrue(page.contains("<span class=\"given\">tool &lt;21&gt;</span>"));
    assertFalse(page.contains("<span class=\"given\">call</span>"));
    assertTrue(page.contains("2 turns, turn limit, done"));
    String line = Files.readString(run.completionsFile(1));
    assertTrue(line.contains("\"completion_mask\":[1,0,1]"), line);
    assertTrue(line.contains("\"results\":[\"21\"]"), line);
  }

  @Test
  void longRunsAreThinnedToTheirMeans() {
    List<LineChart.Point> points = new ArrayList<>();
    for (int i = 0; i < 100_000; i++) {
      points.add(new LineChart.Point(i, i % 2));
    }
    List<LineChart.Point> thin = LineChart.thin(points);
    assertTrue(thin.size() <= 240);
    assertEquals(0.5, thin.get(3).value(), 0.01);
    assertEquals(99_999, thin.get(thin.size() - 1).step());
  }

  @Test
  void numbersAreShort() {
    assertEquals("0", Html.number(0));
    assertEquals("0.3", Html.number(0.3));
    assertEquals("-1.235", Html.number(-1.2349));
    assertEquals("8,123", Html.number(8123.4));
    assertEquals("3e-4", Html.number(3e-4));
    assertEquals("1.25e8", Html.number(1.25e8));
    assertEquals("–", Html.number(Double.NaN));
    assertEquals("a\uFFFDb", Html.escape("a\u0000b"));
  }
}
