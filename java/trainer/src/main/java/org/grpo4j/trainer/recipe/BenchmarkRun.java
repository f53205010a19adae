package org.grpo4j.trainer.recipe;

import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.TensorKernels;
import org.grpo4j.trainer.benchmark.ApiBank;
import org.grpo4j.trainer.benchmark.Benchmark;
import org.grpo4j.trainer.benchmark.BenchmarkQuestion;
import org.grpo4j.trainer.benchmark.Bfcl;
import org.grpo4j.trainer.benchmark.Completions;
import org.grpo4j.trainer.config.BenchmarkConfig;
import org.grpo4j.trainer.report.BenchmarkFolder;
import org.grpo4j.trainer.report.BenchmarkReport;
import org.jspecify.annotations.Nullable;

/** Evaluates a checkpoint, or answers given elsewhere, on a benchmark. */
public final class BenchmarkRun {
  /** Settings that a resumed evaluation may change: answers given before stay comparable. */
  public static final List<String> CHANGEABLE =
      List.of("limit", "categories", "per_device_eval_batch_size", "num_threads", "isa", "data");

  private final BenchmarkConfig config;
  private final Benchmark benchmark;

  /** Answers given elsewhere by question; null: the model gives them. */
  private final @Nullable Map<String, @Nullable Object> completions;

  private BenchmarkRun(
      BenchmarkConfig config,
      Benchmark benchmark,
      @Nullable Map<String, @Nullable Object> completions) {
    this.config = config;
    this.benchmark = benchmark;
    this.completions = completions;
  }

  /**
   * Reads the benchmark, and the completions if there are any; writes nothing.
   *
   * @throws InputException a file is missing or damaged
   */
  public static BenchmarkRun of(BenchmarkConfig config) {
    Benchmark benchmark = benchmark(config.task());
    String completions = config.task().completions();
    return new BenchmarkRun(
        config,
        benchmark,
        completions == null ? null : Completions.read(Path.of(completions), benchmark));
  }

  /**
   * Answers what is not answered yet, judges and reports.
   *
   * @throws InputException the model can't be used; answers written before stay
   */
  public BenchmarkReport evaluate(BenchmarkFolder folder, PrintStream out) {
    BenchmarkVerdicts verdicts = new BenchmarkVerdicts(benchmark);
    if (completions != null) {
      judge(completions, verdicts, out);
      return report(folder, verdicts, out);
    }
    try (Interruption interruption =
        new Interruption("stopping after these answers; what is answered stays")) {
      answer(folder, verdicts, interruption, out);
      // Before the virtual machine may go: a stopped evaluation has its report, too.
      return report(folder, verdicts, out);
    }
  }

  private BenchmarkReport report(
      BenchmarkFolder folder, BenchmarkVerdicts verdicts, PrintStream out) {
    folder.writeVerdicts(verdicts.rows());
    String given = config.task().completions();
    BenchmarkReport report =
        verdicts.report(given == null ? config.model().modelNameOrPath() : given, settings());
    report.write(folder);
    report.lines().forEach(out::println);
    return report;
  }

  private static Benchmark benchmark(BenchmarkConfig.Task task) {
    String data = task.data();
    if (data == null) {
      throw new InputException(
          "--data: give the folder of the benchmark's files (docs/benchmarks.md says which)");
    }
    Path folder = Path.of(data);
    if (!Files.isDirectory(folder)) {
      throw new InputException("--data %s: no such folder".formatted(data));
    }
    return task.benchmark().equals(ApiBank.NAME)
        ? new ApiBank(folder, task.categories(), task.limit())
        : new Bfcl(
            folder, task.categories(), task.limit(), task.promptFormat(), task.underscoreToDot());
  }

  private void judge(
      Map<String, @Nullable Object> results, BenchmarkVerdicts verdicts, PrintStream out) {
    int others = results.size();
    for (BenchmarkQuestion question : benchmark.questions()) {
      if (results.containsKey(question.id())) {
        verdicts.add(question, results.get(question.id()));
        others--;
      }
    }
    if (verdicts.isEmpty()) {
      throw new InputException(
          "--completions %s: none of its ids is a question of %s"
              .formatted(config.task().completions(), config.task().data()));
    }
    if (others > 0) {
      out.println(others + " completions answer no question that was read; they are left out");
    }
  }

  private void answer(
      BenchmarkFolder folder,
      BenchmarkVerdicts verdicts,
      Interruption interruption,
      PrintStream out) {
    Path model = Workspace.modelFolder(config.model(), Workspace.temporaryFolder());
    try (TensorKernels kernels = Workspace.applyRuntime(config.runtime(), out);
        Policy policy = Policy.load(model, false, kernels)) {
      boolean all =
          new BenchmarkAnswers(config, policy, folder, out)
              .answer(benchmark, verdicts, interruption::requested);
      if (!all) {
        out.println("stopped early; go on with: ./grpo4j eval --resume " + folder.root());
      }
    }
  }

  /** What the figures depend on besides the model. */
  private Map<String, @Nullable Object> settings() {
    BenchmarkConfig.Task task = config.task();
    Map<String, @Nullable Object> settings = new LinkedHashMap<>();
    settings.put("data", task.data());
    settings.put("limit", task.limit());
    if (task.benchmark().equals(Bfcl.NAME)) {
      settings.put("prompt_format", task.promptFormat().name().toLowerCase(Locale.ROOT));
      settings.put("underscore_to_dot", task.underscoreToDot());
    }
    if (task.completions() == null) {
      settings.put("max_completion_length", task.maxCompletionLength());
      settings.put("temperature", task.temperature());
      settings.put("seed", config.runtime().seed());
      settings.put("chat_template_kwargs", config.model().chatTemplateKwargs());
    }
    return settings;
  }
}
