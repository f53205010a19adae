package org.grpo4j.trainer.recipe;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.grpo4j.trainer.benchmark.Benchmark;
import org.grpo4j.trainer.benchmark.BenchmarkQuestion;
import org.grpo4j.trainer.benchmark.Fraction;
import org.grpo4j.trainer.benchmark.Tally;
import org.grpo4j.trainer.benchmark.Verdict;
import org.grpo4j.trainer.report.BenchmarkReport;
import org.jspecify.annotations.Nullable;

/** Verdicts as answers come in, and the report on them. */
final class BenchmarkVerdicts {
  /** Wrong answers of each part that the report shows. */
  private static final int SAMPLES = 3;

  private final Benchmark benchmark;
  private final Map<String, Tally> tallies = new LinkedHashMap<>();
  private final Map<String, Map<String, Integer>> errors = new LinkedHashMap<>();
  private final Map<String, Integer> counts = new LinkedHashMap<>();
  private final List<Map<String, @Nullable Object>> rows = new ArrayList<>();
  private final Map<String, List<BenchmarkReport.Sample>> samples = new LinkedHashMap<>();

  BenchmarkVerdicts(Benchmark benchmark) {
    this.benchmark = benchmark;
    List<BenchmarkQuestion> questions = benchmark.questions();
    counts.put("questions", questions.size());
    counts.put("answers", 0);
    // In the benchmark's order, whatever the order of the answers.
    questions.forEach(q -> tallies.putIfAbsent(q.group(), new Tally(0, 0)));
  }

  boolean isEmpty() {
    return rows.isEmpty();
  }

  /** Counts something the report mentions, such as answers that were cut. */
  void count(String what) {
    counts.merge(what, 1, Integer::sum);
  }

  /** Judges an answer. */
  void add(BenchmarkQuestion question, @Nullable Object result) {
    Benchmark.Judgement judgement = benchmark.judge(question.id(), result);
    Verdict verdict = judgement.verdict();
    String group = question.group();
    count("answers");
    tallies.merge(group, new Tally(verdict.valid() ? 1 : 0, 1), Tally::plus);
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("id", question.id());
    row.put("group", group);
    row.put("valid", verdict.valid());
    row.put("error_type", verdict.errorType());
    row.put("message", verdict.message());
    row.put("calls", judgement.calls());
    rows.add(row);
    if (!verdict.valid()) {
      errors
          .computeIfAbsent(group, g -> new TreeMap<>())
          .merge(String.valueOf(verdict.errorType()), 1, Integer::sum);
      List<BenchmarkReport.Sample> shown = samples.computeIfAbsent(group, g -> new ArrayList<>());
      if (shown.size() < SAMPLES) {
        shown.add(
            new BenchmarkReport.Sample(
                question.id(),
                group,
                verdict.errorType(),
                verdict.message(),
                String.valueOf(result)));
      }
    }
  }

  /** Fraction of right answers so far; NaN before the first. */
  double accuracy() {
    Tally all = tallies.values().stream().reduce(new Tally(0, 0), Tally::plus);
    return (double) all.right() / all.n();
  }

  List<Map<String, @Nullable Object>> rows() {
    return rows;
  }

  BenchmarkReport report(String subject, Map<String, @Nullable Object> settings) {
    Map<String, Tally> answered = new LinkedHashMap<>(tallies);
    answered.values().removeIf(t -> t.n() == 0);
    Map<String, Fraction> groups = new LinkedHashMap<>();
    answered.forEach((group, tally) -> groups.put(group, tally.fraction()));
    return new BenchmarkReport(
        benchmark.name(),
        subject,
        settings,
        groups,
        benchmark.aggregates(answered),
        counts,
        errors,
        samples.values().stream().flatMap(List::stream).toList(),
        benchmark.note());
  }
}
