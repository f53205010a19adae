package org.grpo4j.trainer.recipe;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.benchmark.Benchmark;
import org.grpo4j.trainer.benchmark.BenchmarkQuestion;
import org.grpo4j.trainer.config.BenchmarkConfig;
import org.grpo4j.trainer.data.PromptRenderer;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.report.BenchmarkFolder;
import org.grpo4j.trainer.report.Progress;
import org.grpo4j.trainer.rollout.Completion;
import org.grpo4j.trainer.rollout.SamplingConfig;
import org.grpo4j.trainer.rollout.SequenceRandom;
import org.jspecify.annotations.Nullable;

/** A model's answers to a benchmark's questions, kept as they are given. */
final class BenchmarkAnswers {
  /** BFCL's own programs leave as many places of the context free. */
  private static final int RESERVED_TOKENS = 2;

  private static final String CUT = "answers cut at the length limit";
  private static final String TOO_LONG = "prompts longer than the model's context";

  private final BenchmarkConfig config;
  private final Policy policy;
  private final BenchmarkFolder folder;
  private final PrintStream out;
  private final PromptRenderer renderer;
  private final int context;

  BenchmarkAnswers(BenchmarkConfig config, Policy policy, BenchmarkFolder folder, PrintStream out) {
    this.config = config;
    this.policy = policy;
    this.folder = folder;
    this.out = out;
    renderer = PromptSets.renderer(policy, config.model(), null);
    context = policy.model().config().maxPositions() - RESERVED_TOKENS;
  }

  /**
   * Asks every question that results.jsonl has no answer to, a batch at a time.
   *
   * @param stop asked between batches
   * @return whether every question is answered
   */
  boolean answer(Benchmark benchmark, BenchmarkVerdicts verdicts, BooleanSupplier stop) {
    List<BenchmarkQuestion> questions = benchmark.questions();
    Set<String> done = takeResults(questions, verdicts);
    List<BenchmarkQuestion> open = questions.stream().filter(q -> !done.contains(q.id())).toList();
    if (!done.isEmpty()) {
      out.printf("%d of %d questions are answered already%n", done.size(), questions.size());
    }
    int answered = done.size();
    Progress progress = Progress.counting("answer", out, answered, questions.size());
    int batchSize = config.task().perDeviceEvalBatchSize();
    for (int from = 0; from < open.size() && !stop.getAsBoolean(); from += batchSize) {
      long start = System.nanoTime();
      List<BenchmarkQuestion> batch = open.subList(from, Math.min(open.size(), from + batchSize));
      List<Map<String, @Nullable Object>> rows = answers(batch, benchmark);
      folder.append(rows);
      int tokens = 0;
      for (int i = 0; i < rows.size(); i++) {
        take(batch.get(i), rows.get(i), verdicts);
        tokens += ((Number) rows.get(i).getOrDefault("completion_tokens", 0)).intValue();
      }
      answered += batch.size();
      double seconds = (System.nanoTime() - start) / 1e9;
      progress.step(answered, "accuracy", verdicts.accuracy(), Double.NaN, tokens / seconds);
    }
    progress.end();
    return answered == questions.size();
  }

  /** Judges the answers given before; returns their questions. */
  private Set<String> takeResults(List<BenchmarkQuestion> questions, BenchmarkVerdicts verdicts) {
    Map<String, BenchmarkQuestion> byId =
        questions.stream().collect(Collectors.toMap(BenchmarkQuestion::id, Function.identity()));
    Set<String> done = new HashSet<>();
    for (Map<String, @Nullable Object> row : folder.readResults()) {
      String id = String.valueOf(row.get("id"));
      if (!row.containsKey("result")) {
        throw new InputException(
            "%s: the answer to %s has no result".formatted(folder.results(), id));
      }
      BenchmarkQuestion question = byId.get(id);
      // A lower limit or fewer categories leave answers over.
      if (question != null && done.add(id)) {
        take(question, row, verdicts);
      }
    }
    return done;
  }

  private static void take(
      BenchmarkQuestion question, Map<String, @Nullable Object> row, BenchmarkVerdicts verdicts) {
    if (row.containsKey("error")) {
      verdicts.count(TOO_LONG);
    } else if (Boolean.FALSE.equals(row.get("finished"))) {
      verdicts.count(CUT);
    }
    verdicts.add(question, row.get("result"));
  }

  /** A row for each question, in their order. */
  private List<Map<String, @Nullable Object>> answers(
      List<BenchmarkQuestion> batch, Benchmark benchmark) {
    List<RenderedPrompt> prompts = new ArrayList<>();
    List<long[]> fitting = new ArrayList<>();
    List<long[]> seeds = new ArrayList<>();
    int longest = 0;
    for (BenchmarkQuestion question : batch) {
      RenderedPrompt prompt = renderer.renderWhole(question.example());
      prompts.add(prompt);
      if (prompt.length() < context) {
        fitting.add(prompt.ids());
        // By its name, so that an answer does not depend on what else is asked.
        long seed = SequenceRandom.seed(config.runtime().seed(), question.id().hashCode());
        seeds.add(new long[] {seed});
        longest = Math.max(longest, prompt.length());
      }
    }
    List<Completion> completions =
        policy.sampler().sample(fitting, seeds.toArray(long[][]::new), sampling(context - longest));
    List<Map<String, @Nullable Object>> rows = new ArrayList<>();
    int next = 0;
    for (int i = 0; i < batch.size(); i++) {
      boolean fits = prompts.get(i).length() < context;
      rows.add(
          fits
              ? row(batch.get(i), prompts.get(i), completions.get(next++), benchmark)
              : tooLong(batch.get(i), prompts.get(i)));
    }
    return rows;
  }

  private SamplingConfig sampling(int room) {
    int tokens = Math.max(1, Math.min(config.task().maxCompletionLength(), room));
    double temperature = config.task().temperature();
    return temperature == 0
        ? SamplingConfig.greedy(tokens)
        : new SamplingConfig(temperature, 1, 0, tokens);
  }

  private Map<String, @Nullable Object> row(
      BenchmarkQuestion question,
      RenderedPrompt prompt,
      Completion completion,
      Benchmark benchmark) {
    String text = policy.text(completion.tokens());
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("id", question.id());
    row.put("group", question.group());
    row.put("result", benchmark.result(text));
    row.put("completion", text);
    row.put("prompt_tokens", prompt.length());
    row.put("completion_tokens", completion.length());
    row.put("finished", completion.finished());
    return row;
  }

  /** Judged as an empty answer; the official programs keep the server's complaint there. */
  private Map<String, @Nullable Object> tooLong(BenchmarkQuestion question, RenderedPrompt prompt) {
    Map<String, @Nullable Object> row = new LinkedHashMap<>();
    row.put("id", question.id());
    row.put("group", question.group());
    row.put("result", "");
    row.put("prompt_tokens", prompt.length());
    row.put("error", "prompt of %d tokens, the model takes %d".formatted(prompt.length(), context));
    return row;
  }
}
