package org.grpo4j.trainer.benchmark;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.python.PythonText;
import org.jspecify.annotations.Nullable;

/** The Berkeley Function-Calling Leaderboard's single-turn categories, version 4. */
public final class Bfcl implements Benchmark {
  /** As in {@code --benchmark}. */
  public static final String NAME = "bfcl";

  private static final List<String> SIMPLE =
      List.of("simple_python", "simple_java", "simple_javascript");
  private static final List<String> LIVE_AST =
      List.of("live_simple", "live_multiple", "live_parallel", "live_parallel_multiple");

  private final PromptFormat format;
  private final BfclJudge judge;
  private final Map<String, BfclQuestion> questions = new LinkedHashMap<>();

  /**
   * Reads the questions of categories.
   *
   * @param categories names of categories; empty: all that the folder has
   * @param limit questions of a category, at most; null: all
   * @param underscoreToDot see {@link AstChecker#check(BfclQuestion, List, boolean)}
   * @throws InputException if the folder lacks a file or has a damaged one
   */
  public Bfcl(
      Path data,
      List<String> categories,
      @Nullable Integer limit,
      PromptFormat format,
      boolean underscoreToDot) {
    this.format = format;
    judge = new BfclJudge(format, underscoreToDot);
    BfclData files = BfclData.of(data);
    List<String> chosen = categories.isEmpty() ? files.categories() : categories;
    if (chosen.isEmpty()) {
      throw new InputException(
          "%s: no file of a single-turn category; those are %s"
              .formatted(data, String.join(", ", BfclData.CATEGORIES)));
    }
    for (String category : chosen) {
      List<BfclQuestion> all = files.questions(category);
      for (BfclQuestion question :
          all.subList(0, limit == null ? all.size() : Math.min(limit, all.size()))) {
        if (questions.put(question.id(), question) != null) {
          throw new InputException("%s: two questions %s".formatted(data, question.id()));
        }
      }
    }
  }

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public List<BenchmarkQuestion> questions() {
    return questions.values().stream().map(q -> BfclPrompts.question(q, format)).toList();
  }

  /**
   * BFCL's handlers for Qwen drop the reasoning before the last {@code </think>}; those for Llama
   * and ToolRL's keep the text as it is.
   */
  @Override
  public String result(String completion) {
    boolean qwen = format == PromptFormat.PROMPT || format == PromptFormat.TOOLS;
    if (!qwen || !completion.contains("</think>")) {
      return completion;
    }
    String answer = PythonText.afterLast(completion, "</think>");
    int start = 0;
    while (start < answer.length() && answer.charAt(start) == '\n') {
      start++;
    }
    return answer.substring(start);
  }

  @Override
  public Judgement judge(String id, @Nullable Object result) {
    BfclQuestion question = questions.get(id);
    if (question == null) {
      throw new IllegalArgumentException("id: no question " + id);
    }
    return judge.judge(question, result);
  }

  /** The leaderboard's: plain means of the categories that are no live ones, live ones pooled. */
  @Override
  public Map<String, Fraction> aggregates(Map<String, Tally> groups) {
    Map<String, Fraction> all = new LinkedHashMap<>();
    groups.forEach((group, tally) -> all.put(group, tally.fraction()));
    mean(all, "non-live simple", SIMPLE);
    mean(
        all,
        "non-live AST",
        List.of("non-live simple", "multiple", "parallel", "parallel_multiple"));
    if (groups.keySet().containsAll(LIVE_AST)) {
      Tally pooled = new Tally(0, 0);
      for (String category : LIVE_AST) {
        pooled = pooled.plus(groups.getOrDefault(category, new Tally(0, 0)));
      }
      all.put("live AST", pooled.fraction());
    }
    mean(all, "irrelevance, both", List.of("irrelevance", "live_irrelevance"));
    mean(all, "relevance", List.of("live_relevance"));
    all.keySet().removeAll(groups.keySet());
    return all;
  }

  private static void mean(Map<String, Fraction> all, String name, List<String> parts) {
    List<Fraction> fractions = new ArrayList<>();
    for (String part : parts) {
      Fraction fraction = all.get(part);
      if (fraction == null) {
        return;
      }
      fractions.add(fraction);
    }
    all.put(name, Fraction.mean(fractions));
  }

  @Override
  public String note() {
    return "Aggregates are the leaderboard's: non-live means weigh categories alike, live AST pools"
        + " its questions; one that lacks a category is left out.";
  }
}
