package org.grpo4j.trainer.report;

import com.fasterxml.jackson.core.type.TypeReference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * report.html: curves and samples of a run in one page without any outside resource. It is made
 * from the files of the run folder alone, so it can be made again at any time, also of a run that
 * was killed.
 */
public final class HtmlReport {
  private static final int SAMPLED_STEPS = 3;

  /** A chart and the metrics it shows, by patterns of their names in the order of the lines. */
  private record ChartSpec(String title, List<Pattern> metrics) {
    static ChartSpec of(String title, String... metrics) {
      List<Pattern> patterns = new ArrayList<>();
      for (String metric : metrics) {
        patterns.add(Pattern.compile(metric));
      }
      return new ChartSpec(title, patterns);
    }
  }

  private static final List<ChartSpec> CHARTS =
      List.of(
          ChartSpec.of("Reward", "reward", "eval/reward", "rewards/.*/mean"),
          ChartSpec.of("Accuracy of calls", "exact", "eval/exact", "eval/sampled", "eval/format"),
          ChartSpec.of("Entropy by region, nats", "entropy", "entropy/.*"),
          ChartSpec.of("Clipped fraction of tokens", "clip_ratio/.*"),
          ChartSpec.of("Mean token weight by region", "token_weight/.*"),
          ChartSpec.of("Share of the squared gradient norm by region", "grad_share/.*"),
          ChartSpec.of("1 − Σp² by region", "one_minus_sum_p2/.*"),
          ChartSpec.of("Gradient of a step: variance and signal", "gradient/(variance|signal)"),
          ChartSpec.of("Ratio to the policy that sampled", "ratio/(min|max)"),
          ChartSpec.of("KL to the reference", "kl"),
          ChartSpec.of("Gradient norm before clipping", "grad_norm"),
          ChartSpec.of("Tokens per second", "tokens_per_second"),
          ChartSpec.of("Loss", "loss"),
          ChartSpec.of("Learning rate", "learning_rate"),
          ChartSpec.of("Completion length, sampled tokens", "completions/(mean|max)_length"),
          ChartSpec.of("Turns of a conversation", "turns/(mean|max)"),
          ChartSpec.of("How conversations end", "turns/ended_.*"),
          ChartSpec.of("Tool calls of a conversation, failed share", "tools/.*"),
          ChartSpec.of(
              "Groups without spread, truncated completions",
              "frac_reward_zero_std",
              "completions/clipped_ratio"),
          ChartSpec.of("Sampler against trainer: largest |ratio - 1|", "sampling/.*"),
          ChartSpec.of("Resident memory, MiB", "resident_mib"));

  private HtmlReport() {}

  /** Writes the report of the run. */
  public static void write(RunDirectory run) {
    RunFiles.replace(run.report(), render(run));
  }

  static String render(RunDirectory run) {
    List<Map<String, @Nullable Object>> rows = MetricsLog.read(run.metrics());
    String name = String.valueOf(run.root().toAbsolutePath().normalize().getFileName());
    StringBuilder out = new StringBuilder();
    out.append(Html.head(name));
    summary(out, run);
    charts(out, rows);
    RegionTheory.append(out, rows);
    samples(out, run);
    Html.table(
        out, "All metrics", metricRows(rows), "metric", "first", "last", "lowest", "highest");
    Html.table(out, "Configuration", configRows(run), "key", "value");
    Html.table(out, "Versions", versionRows(run), "what", "version");
    return out.append(Html.END).toString();
  }

  private static Map<String, @Nullable Object> json(Path file) {
    if (!Files.exists(file)) {
      return Map.of();
    }
    return parse(file, RunFiles.read(file));
  }

  private static Map<String, @Nullable Object> parse(Path file, String text) {
    try {
      return RunDirectory.JSON.readValue(text, new TypeReference<>() {});
    } catch (IOException e) {
      throw new RunIoException(file, new IOException("not JSON", e));
    }
  }

  private static double number(@Nullable Object value) {
    return value instanceof Number n ? n.doubleValue() : Double.NaN;
  }

  private static void summary(StringBuilder out, RunDirectory run) {
    Map<String, @Nullable Object> s = json(run.summary());
    if (s.isEmpty()) {
      out.append("<p class=\"note\">The run has no summary yet: it is running or was stopped.</p>");
      return;
    }
    out.append("<section class=\"tiles\">");
    tile(out, "Exact calls, greedy", s, "exact");
    tile(out, "Exact calls, sampled", s, "sampled");
    tile(out, "Reward", s, "reward");
    tile(out, "Right format", s, "format");
    out.append("</section>\n<p class=\"note\">");
    out.append(
        Html.escape(
            String.format(
                Locale.ROOT,
                "%s, %s steps in %s s, %s tokens/s, seed %s; %s held-out prompts, before → after.",
                s.get("objective"),
                s.get("steps"),
                Html.number(number(s.get("seconds"))),
                Html.number(number(s.get("tokens_per_second"))),
                s.get("seed"),
                s.get("eval_prompts"))));
    out.append("</p>\n");
  }

  private static void tile(
      StringBuilder out, String label, Map<String, @Nullable Object> s, String field) {
    out.append("<div class=\"tile\"><span>").append(Html.escape(label)).append("</span><b>");
    out.append(rounded(number(s.get(field + "_before")))).append(" → ");
    out.append(rounded(number(s.get(field + "_after")))).append("</b></div>");
  }

  private static String rounded(double value) {
    return Double.isFinite(value) ? String.format(Locale.ROOT, "%.3f", value) : "–";
  }

  private static void charts(StringBuilder out, List<Map<String, @Nullable Object>> rows) {
    if (rows.isEmpty()) {
      out.append("<p class=\"note\">No step was logged.</p>\n");
      return;
    }
    out.append("<section class=\"charts\">\n");
    Set<String> names = names(rows);
    for (ChartSpec spec : CHARTS) {
      LineChart chart = new LineChart(spec.title());
      for (Pattern pattern : spec.metrics()) {
        for (String name : names) {
          if (pattern.matcher(name).matches()) {
            chart.add(name, points(rows, name));
          }
        }
      }
      if (!chart.isEmpty()) {
        out.append(chart.render());
      }
    }
    out.append("</section>\n");
  }

  private static Set<String> names(List<Map<String, @Nullable Object>> rows) {
    Set<String> names = new LinkedHashSet<>();
    rows.forEach(row -> names.addAll(row.keySet()));
    names.remove("step");
    return names;
  }

  private static List<LineChart.Point> points(
      List<Map<String, @Nullable Object>> rows, String name) {
    List<LineChart.Point> points = new ArrayList<>();
    for (Map<String, @Nullable Object> row : rows) {
      double value = number(row.get(name));
      if (Double.isFinite(value)) {
        points.add(new LineChart.Point(number(row.get("step")), value));
      }
    }
    return points;
  }

  private static void samples(StringBuilder out, RunDirectory run) {
    List<Path> files = run.completionsFiles();
    if (files.isEmpty()) {
      return;
    }
    out.append(
        "<h2>Sample completions</h2>\n<p class=\"note\">Shading: weight of the token in the");
    out.append(" loss (ResT's ω); point at a token for its value. ");
    out.append("<span class=\"tok\" style=\"--w:0\">0</span> ");
    out.append("<span class=\"tok\" style=\"--w:.5\">half</span> ");
    out.append("<span class=\"tok\" style=\"--w:1\">the page's largest</span> ");
    out.append(
        "<span class=\"given\">written by tools and template, never trained on</span></p>\n");
    List<Map<String, @Nullable Object>> shown = new ArrayList<>();
    for (int i = 0; i < Math.min(SAMPLED_STEPS, files.size()); i++) {
      int last = Math.min(SAMPLED_STEPS, files.size()) - 1;
      shown.addAll(pick(files.get(last == 0 ? 0 : i * (files.size() - 1) / last)));
    }
    double largest = 1e-9;
    for (Map<String, @Nullable Object> sample : shown) {
      for (Object weight : list(sample.get("token_weights"))) {
        largest = Math.max(largest, number(weight));
      }
    }
    for (Map<String, @Nullable Object> sample : shown) {
      sample(out, sample, largest);
    }
  }

  /** The completions of a step with the highest, a middle and the lowest reward. */
  private static List<Map<String, @Nullable Object>> pick(Path file) {
    List<Map<String, @Nullable Object>> all = new ArrayList<>();
    for (String line : RunFiles.read(file).split("\n")) {
      if (!line.isBlank()) {
        all.add(parse(file, line));
      }
    }
    all.sort(Comparator.comparingDouble(c -> -number(c.get("reward"))));
    return all.size() <= 3
        ? all
        : List.of(all.get(0), all.get(all.size() / 2), all.get(all.size() - 1));
  }

  private static List<?> list(@Nullable Object value) {
    return value instanceof List<?> list ? list : List.of();
  }

  private static void sample(
      StringBuilder out, Map<String, @Nullable Object> sample, double largest) {
    out.append("<article class=\"sample\"><h3>step ").append(Html.escape("" + sample.get("step")));
    out.append(" · reward ").append(Html.number(number(sample.get("reward"))));
    out.append(" · advantage ").append(Html.number(number(sample.get("advantage"))));
    if (sample.get("ending") != null) {
      out.append(" · ").append(list(sample.get("turns")).size()).append(" turns, ");
      out.append(Html.escape(("" + sample.get("ending")).replace('_', ' ')));
      out.append(Boolean.TRUE.equals(sample.get("success")) ? ", done" : ", not done");
    }
    out.append("</h3><details><summary>prompt</summary><pre>");
    out.append(Html.escape("" + sample.get("prompt"))).append("</pre></details><pre>");
    List<?> tokens = list(sample.get("tokens"));
    List<?> weights = list(sample.get("token_weights"));
    List<?> mask = list(sample.get("completion_mask"));
    if (tokens.isEmpty() || tokens.size() != weights.size()) {
      out.append(Html.escape("" + sample.get("completion")));
    } else {
      for (int i = 0; i < tokens.size(); i++) {
        double weight = number(weights.get(i));
        if (i < mask.size() && number(mask.get(i)) == 0) {
          out.append("<span class=\"given\">").append(Html.escape("" + tokens.get(i)));
          out.append("</span>");
          continue;
        }
        out.append(
            String.format(
                Locale.ROOT,
                "<span class=\"tok\" style=\"--w:%.3f\" title=\"%.3f\">%s</span>",
                Double.isFinite(weight) ? Math.max(0, weight / largest) : 0,
                weight,
                Html.escape("" + tokens.get(i))));
      }
    }
    out.append("</pre></article>\n");
  }

  private static List<List<String>> metricRows(List<Map<String, @Nullable Object>> rows) {
    List<List<String>> result = new ArrayList<>();
    for (String name : names(rows)) {
      List<LineChart.Point> points = points(rows, name);
      if (points.isEmpty()) {
        continue;
      }
      double[] values = points.stream().mapToDouble(LineChart.Point::value).sorted().toArray();
      result.add(
          List.of(
              name,
              Html.number(points.get(0).value()),
              Html.number(points.get(points.size() - 1).value()),
              Html.number(values[0]),
              Html.number(values[values.length - 1])));
    }
    return result;
  }

  private static List<List<String>> configRows(RunDirectory run) {
    List<List<String>> rows = new ArrayList<>();
    if (Files.exists(run.config())) {
      for (String line : RunFiles.read(run.config()).split("\n")) {
        int colon = line.indexOf(": ");
        if (colon > 0 && !line.startsWith("#")) {
          rows.add(List.of(line.substring(0, colon), line.substring(colon + 2)));
        }
      }
    }
    return rows;
  }

  private static List<List<String>> versionRows(RunDirectory run) {
    List<List<String>> rows = new ArrayList<>();
    json(run.versions())
        .forEach((name, version) -> rows.add(List.of(name, String.valueOf(version))));
    return rows;
  }
}
