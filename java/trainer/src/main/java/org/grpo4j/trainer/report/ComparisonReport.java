package org.grpo4j.trainer.report;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import org.grpo4j.trainer.statistics.Interval;
import org.grpo4j.trainer.statistics.PairedTest;
import org.jspecify.annotations.Nullable;

/**
 * comparison.html, .md and .json: made from the finished run folders alone, so also of a comparison
 * that is not done yet.
 */
public final class ComparisonReport {
  private static final String[] RESULTS = {
    "method",
    "seeds",
    "exact calls, greedy",
    "exact calls, sampled",
    "right format",
    "gradient variance / signal",
    "largest |ratio − 1|",
    "steps",
    "seconds"
  };
  private static final String[] TESTS = {
    "method",
    "difference in exact calls, greedy",
    "p (paired t)",
    "p (Holm)",
    "p (signed ranks)",
    "difference, sampled",
    "p (paired t)",
    "difference, gradient variance / signal",
    "p (paired t)"
  };
  private static final String NOTE =
      "Mean over the seeds with its 95%% interval (Student's t); every run sampled %,d tokens or one"
          + " rollout more. Differences are to %s on the same seeds; Holm's p is adjusted for testing"
          + " %d methods. Gradient variance / signal: estimated trace of the covariance of a step's"
          + " gradient over its squared expectation, each summed over the run's steps. Where the"
          + " largest |ratio − 1| of any step and seed is mere rounding, every update saw the policy"
          + " that had sampled: methods that differ in the ratio or its limits alone then do the same.";

  private ComparisonReport() {}

  /** A finished run. */
  public record Entry(String task, String method, long seed, RunDirectory run) {}

  /**
   * Writes the three files.
   *
   * @param folder where they go
   * @param entries finished runs
   * @param baseline the method that the others are tested against
   * @param maxTokens of each run
   */
  public static void write(Path folder, List<Entry> entries, String baseline, long maxTokens) {
    List<Comparison> tasks = group(entries, baseline);
    StringBuilder html = new StringBuilder(Html.head("comparison"));
    StringBuilder markdown = new StringBuilder("# Comparison\n");
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("baseline", baseline);
    json.put("max_tokens", maxTokens);
    for (Comparison task : tasks) {
      String note = NOTE.formatted(maxTokens, baseline, Math.max(0, task.methods().size() - 1));
      List<List<String>> results = results(task);
      List<List<String>> tests = tests(task);
      html.append("<h2>Task ").append(Html.escape(task.task())).append("</h2>\n<p class=\"note\">");
      html.append(Html.escape(note)).append("</p>\n<section class=\"charts\">");
      html.append(task.learning().render());
      html.append(
          task.intervals("Exact calls after training, greedy", ComparedRun::exact).render());
      LineChart variance = task.variance();
      if (!variance.isEmpty()) {
        html.append(variance.render());
      }
      html.append(task.intervals("Gradient variance / signal", Comparison::noise).render());
      html.append("</section>\n");
      Html.openTable(html, results, RESULTS);
      Html.openTable(html, tests, TESTS);
      Html.table(
          html, "Every run", everyRun(task), "method", "seed", "exact", "sampled", "seconds");
      markdown.append("\n## Task ").append(task.task()).append("\n\n").append(note).append("\n\n");
      markdown(markdown, results, RESULTS);
      markdown(markdown, tests, TESTS);
      json.put(task.task(), values(task));
    }
    RunFiles.replace(folder.resolve("comparison.html"), html.append(Html.END).toString());
    RunFiles.replace(folder.resolve("comparison.md"), markdown.toString());
    RunFiles.replace(folder.resolve("comparison.json"), RunDirectory.line(json) + "\n");
  }

  private static List<Comparison> group(List<Entry> entries, String baseline) {
    Map<String, Map<String, List<ComparedRun>>> runs = new LinkedHashMap<>();
    for (Entry e : entries) {
      runs.computeIfAbsent(e.task(), t -> new LinkedHashMap<>())
          .computeIfAbsent(e.method(), m -> new ArrayList<>())
          .add(ComparedRun.read(e.method(), e.seed(), e.run()));
    }
    List<Comparison> tasks = new ArrayList<>();
    runs.forEach((task, byMethod) -> tasks.add(new Comparison(task, baseline, byMethod)));
    return tasks;
  }

  private static List<List<String>> results(Comparison task) {
    List<List<String>> rows = new ArrayList<>();
    for (String method : task.methods()) {
      rows.add(
          List.of(
              method,
              String.valueOf(task.runs(method).size()),
              task.interval(method, ComparedRun::exact).toString(),
              task.interval(method, ComparedRun::sampled).toString(),
              task.interval(method, ComparedRun::format).toString(),
              task.interval(method, Comparison::noise).toString(),
              String.format(Locale.ROOT, "%.1e", task.largest(method, ComparedRun::offPolicy)),
              Html.number(task.interval(method, ComparedRun::steps).value()),
              task.interval(method, ComparedRun::seconds).toString()));
    }
    return rows;
  }

  private static List<List<String>> tests(Comparison task) {
    List<String> others = task.methods().stream().filter(m -> !m.equals(task.baseline())).toList();
    double[] holm = holm(task, others);
    List<List<String>> rows = new ArrayList<>();
    for (int i = 0; i < others.size(); i++) {
      PairedTest exact = task.against(others.get(i), ComparedRun::exact);
      PairedTest sampled = task.against(others.get(i), ComparedRun::sampled);
      PairedTest noise = task.against(others.get(i), Comparison::noise);
      rows.add(
          List.of(
              others.get(i),
              exact.difference().toString(),
              p(exact.tTest()),
              p(holm[i]),
              p(exact.signedRank()),
              sampled.difference().toString(),
              p(sampled.tTest()),
              noise.difference().toString(),
              p(noise.tTest())));
    }
    return rows;
  }

  private static double[] holm(Comparison task, List<String> others) {
    return PairedTest.holm(
        others.stream().mapToDouble(m -> task.against(m, ComparedRun::exact).tTest()).toArray());
  }

  private static String p(double value) {
    return Double.isNaN(value) ? "–" : String.format(Locale.ROOT, "%.3f", value);
  }

  private static List<List<String>> everyRun(Comparison task) {
    List<List<String>> rows = new ArrayList<>();
    for (String method : task.methods()) {
      for (ComparedRun run : task.runs(method)) {
        rows.add(
            List.of(
                method,
                String.valueOf(run.seed()),
                Html.number(run.exactBefore()) + " → " + Html.number(run.exact()),
                Html.number(run.sampled()),
                Html.number(run.seconds())));
      }
    }
    return rows;
  }

  private static void markdown(StringBuilder out, List<List<String>> rows, String... header) {
    if (rows.isEmpty()) {
      return;
    }
    out.append("| ").append(String.join(" | ", header)).append(" |\n");
    out.append("|---".repeat(header.length)).append("|\n");
    rows.forEach(row -> out.append("| ").append(String.join(" | ", row)).append(" |\n"));
    out.append('\n');
  }

  private static Map<String, @Nullable Object> values(Comparison task) {
    Map<String, @Nullable Object> methods = new LinkedHashMap<>();
    for (String method : task.methods()) {
      Map<String, @Nullable Object> of = new LinkedHashMap<>();
      of.put("seeds", task.runs(method).stream().map(ComparedRun::seed).toList());
      put(of, task, method, "exact", ComparedRun::exact);
      put(of, task, method, "sampled", ComparedRun::sampled);
      put(of, task, method, "format", ComparedRun::format);
      put(of, task, method, "gradient_noise", Comparison::noise);
      put(of, task, method, "off_policy", ComparedRun::offPolicy);
      put(of, task, method, "seconds", ComparedRun::seconds);
      methods.put(method, of);
    }
    return methods;
  }

  private static void put(
      Map<String, @Nullable Object> of,
      Comparison task,
      String method,
      String name,
      ToDoubleFunction<ComparedRun> value) {
    Interval interval = task.interval(method, value);
    Map<String, @Nullable Object> entry = new LinkedHashMap<>();
    entry.put("by_seed", task.runs(method).stream().map(r -> finite(value, r)).toList());
    entry.put("mean", Summary.finite(interval.value()));
    entry.put("low", Summary.finite(interval.low()));
    entry.put("high", Summary.finite(interval.high()));
    if (!method.equals(task.baseline())) {
      PairedTest test = task.against(method, value);
      entry.put("difference", Summary.finite(test.difference().value()));
      entry.put("p_paired_t", Summary.finite(test.tTest()));
      entry.put("p_signed_rank", Summary.finite(test.signedRank()));
    }
    of.put(name, entry);
  }

  private static @Nullable Double finite(ToDoubleFunction<ComparedRun> value, ComparedRun run) {
    return Summary.finite(value.applyAsDouble(run));
  }
}
