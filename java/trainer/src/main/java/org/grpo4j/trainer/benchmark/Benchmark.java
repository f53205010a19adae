package org.grpo4j.trainer.benchmark;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Questions, and what an answer to one of them is worth. */
public interface Benchmark {
  /** As in {@code --benchmark}. */
  String name();

  /** All questions, group by group. */
  List<BenchmarkQuestion> questions();

  /** What a benchmark's own program would keep of a model's text, and judge. */
  String result(String completion);

  /**
   * Judges an answer.
   *
   * @param id of one of the questions
   * @param result a text, or what a result file of the benchmark's own program holds
   */
  Judgement judge(String id, @Nullable Object result);

  /**
   * The benchmark's own summaries by name, of the groups that were answered; a summary that lacks a
   * group is left out.
   *
   * @param groups right answers by group
   */
  Map<String, Fraction> aggregates(Map<String, Tally> groups);

  /** What a reader of the figures has to know. */
  String note();

  /**
   * An answer as it was read.
   *
   * @param calls what was decoded, in Python's notation; null where nothing was
   */
  record Judgement(Verdict verdict, @Nullable String calls) {}
}
