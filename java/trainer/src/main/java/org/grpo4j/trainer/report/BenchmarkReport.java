package org.grpo4j.trainer.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.grpo4j.trainer.benchmark.Fraction;
import org.jspecify.annotations.Nullable;

/**
 * What an evaluation on a benchmark found, as report.json, report.md and report.html.
 *
 * @param benchmark its name
 * @param subject the checkpoint, or the file of completions
 * @param settings what the figures depend on
 * @param groups accuracy of each part
 * @param aggregates the benchmark's own summaries
 * @param counts how many questions there are, were answered, were cut, …
 * @param errors how often each kind of error occurred, by part
 * @param samples some wrong answers
 * @param note what a reader has to know
 */
public record BenchmarkReport(
    String benchmark,
    String subject,
    Map<String, @Nullable Object> settings,
    Map<String, Fraction> groups,
    Map<String, Fraction> aggregates,
    Map<String, Integer> counts,
    Map<String, Map<String, Integer>> errors,
    List<Sample> samples,
    String note) {
  private static final String METHOD =
      "Intervals are 95%: Wilson's for fractions, MOVER (Zou and Donner 2008) for means of them.";

  /** A wrong answer. */
  public record Sample(
      String id, String group, @Nullable String errorType, String message, String result) {}

  /** Writes the three files. */
  public void write(BenchmarkFolder folder) {
    try {
      RunFiles.replace(
          folder.report("json"), RunDirectory.JSON.writeValueAsString(values()) + "\n");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a report has no JSON form", e);
    }
    RunFiles.replace(folder.report("md"), markdown());
    RunFiles.replace(folder.report("html"), html());
  }

  private Map<String, Object> values() {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("benchmark", benchmark);
    values.put("subject", subject);
    values.put("settings", settings);
    values.put("counts", counts);
    values.put("groups", groups);
    values.put("aggregates", aggregates);
    values.put("errors", errors);
    values.put("intervals", METHOD);
    values.put("note", note);
    return values;
  }

  private Map<String, Fraction> rows() {
    Map<String, Fraction> rows = new LinkedHashMap<>(groups);
    rows.putAll(aggregates);
    return rows;
  }

  /** One line for each part and aggregate, for the terminal. */
  public List<String> lines() {
    int width = rows().keySet().stream().mapToInt(String::length).max().orElse(1);
    List<String> lines = new ArrayList<>();
    rows()
        .forEach(
            (name, f) ->
                lines.add(
                    String.format(
                        Locale.ROOT,
                        "%-" + width + "s  %.4f  [%.4f, %.4f]  n %d",
                        name,
                        f.value(),
                        f.low(),
                        f.high(),
                        f.n())));
    return lines;
  }

  String markdown() {
    StringBuilder out = new StringBuilder();
    out.append("# ").append(benchmark).append(": ").append(subject).append("\n\n");
    out.append("| part | accuracy | 95% interval | n |\n|---|---|---|---|\n");
    rows().forEach((name, f) -> out.append(row(name, f, aggregates.containsKey(name))));
    out.append('\n').append(METHOD).append(' ').append(note).append("\n\n");
    counts.forEach((name, n) -> out.append("- ").append(name).append(": ").append(n).append('\n'));
    settings.forEach(
        (name, value) -> out.append("- `").append(name).append("`: ").append(value).append('\n'));
    if (!errors.isEmpty()) {
      out.append("\n| part | error | answers |\n|---|---|---|\n");
      errors.forEach(
          (group, kinds) ->
              kinds.forEach(
                  (kind, n) ->
                      out.append(
                          String.format(Locale.ROOT, "| %s | %s | %d |%n", group, kind, n))));
    }
    return out.toString();
  }

  private static String row(String name, Fraction f, boolean aggregate) {
    String mark = aggregate ? "**" : "";
    return String.format(
        Locale.ROOT,
        "| %s%s%s | %.4f | %.4f to %.4f | %d |%n",
        mark,
        name,
        mark,
        f.value(),
        f.low(),
        f.high(),
        f.n());
  }

  String html() {
    StringBuilder out = new StringBuilder();
    out.append(Html.head(benchmark + ": " + subject));
    accuracies(out);
    out.append("<p class=\"note\">").append(Html.escape(METHOD + " " + note)).append("</p>\n");
    List<List<String>> errorRows = new ArrayList<>();
    errors.forEach(
        (group, kinds) ->
            kinds.forEach((kind, n) -> errorRows.add(List.of(group, kind, String.valueOf(n)))));
    Html.table(out, "Errors", errorRows, "part", "error", "answers");
    List<List<String>> facts = new ArrayList<>();
    counts.forEach((name, n) -> facts.add(List.of(name, String.valueOf(n))));
    settings.forEach((name, value) -> facts.add(List.of(name, String.valueOf(value))));
    Html.table(out, "Counts and settings", facts, "what", "value");
    wrongAnswers(out);
    return out.append(Html.END).toString();
  }

  private void accuracies(StringBuilder out) {
    out.append("<div class=\"table\"><table><thead><tr><th>part</th><th>accuracy</th>");
    out.append("<th>95% interval</th><th>0 to 1</th><th>n</th></tr></thead><tbody>\n");
    rows()
        .forEach(
            (name, f) -> {
              String escaped = Html.escape(name);
              out.append("<tr><td>");
              out.append(aggregates.containsKey(name) ? "<b>" + escaped + "</b>" : escaped);
              out.append(
                  String.format(
                      Locale.ROOT,
                      "</td><td>%.4f</td><td>%.4f to %.4f</td><td>%s</td><td>%d</td></tr>%n",
                      f.value(),
                      f.low(),
                      f.high(),
                      bar(f),
                      f.n()));
            });
    out.append("</tbody></table></div>\n");
  }

  /** The value as a dot on its interval, on a scale from 0 to 1. */
  private static String bar(Fraction f) {
    return String.format(
        Locale.ROOT,
        "<svg class=\"s1\" viewBox=\"0 0 204 12\" style=\"width:204px\" role=\"img\""
            + " aria-label=\"%.3f\"><line class=\"grid\" x1=\"2\" x2=\"202\" y1=\"6\" y2=\"6\"/>"
            + "<line class=\"line\" x1=\"%.1f\" x2=\"%.1f\" y1=\"6\" y2=\"6\"/>"
            + "<circle class=\"dot\" cx=\"%.1f\" cy=\"6\" r=\"4\"/></svg>",
        f.value(),
        2 + 200 * f.low(),
        2 + 200 * f.high(),
        2 + 200 * f.value());
  }

  private void wrongAnswers(StringBuilder out) {
    if (samples.isEmpty()) {
      return;
    }
    out.append("<h2>Some wrong answers</h2>\n");
    for (Sample sample : samples) {
      out.append("<article class=\"sample\"><h3>").append(Html.escape(sample.id()));
      out.append(" · ").append(Html.escape(String.valueOf(sample.errorType())));
      out.append("</h3><p class=\"note\">").append(Html.escape(sample.message()));
      out.append("</p><pre>").append(Html.escape(sample.result())).append("</pre></article>\n");
    }
  }
}
