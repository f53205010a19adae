package org.grpo4j.trainer.cli;

import java.nio.file.Path;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.config.BenchmarkConfig;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.EvalConfig;
import org.grpo4j.trainer.recipe.BenchmarkRun;
import org.grpo4j.trainer.recipe.EvalRun;
import org.grpo4j.trainer.recipe.Workspace;
import org.grpo4j.trainer.report.BenchmarkFolder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ./grpo4j eval}. */
@Command(
    name = "eval",
    mixinStandardHelpOptions = true,
    description =
        "Measures a checkpoint on held-out prompts: reward, exact calls, format. With --benchmark:"
            + " accuracy on BFCL or API-Bank.")
final class EvalCommand implements Callable<Integer> {
  @Mixin private CommonOptions common = new CommonOptions();

  @Option(
      names = "--benchmark",
      paramLabel = "NAME",
      description = "Evaluate on a benchmark: bfcl or api-bank.")
  private @Nullable String benchmark;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "With --benchmark: the folder of its files.")
  private @Nullable String data;

  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "The checkpoint; the same as model_name_or_path=DIR.")
  private @Nullable String model;

  @Option(
      names = "--completions",
      paramLabel = "FILE",
      description = "With --benchmark: judge these answers instead of asking a model.")
  private @Nullable String completions;

  @Option(
      names = "--resume",
      paramLabel = "DIR",
      description = "Go on with the evaluation on a benchmark in DIR, with its settings.")
  private @Nullable Path resume;

  @Override
  public Integer call() {
    if (resume != null) {
      resumed(resume);
    } else if (benchmark != null) {
      fresh();
    } else if (data != null || completions != null) {
      throw new InputException(
          (data != null ? "--data" : "--completions") + " goes with --benchmark bfcl or api-bank");
    } else {
      EvalConfig config =
          ConfigLoader.EVAL.load(common.config(), with("model_name_or_path", model));
      EvalRun.evaluate(config, System.out);
    }
    return 0;
  }

  private List<String> with(@Nullable String... namesAndValues) {
    List<String> overrides = new ArrayList<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      if (namesAndValues[i + 1] != null) {
        overrides.add(namesAndValues[i] + "=" + namesAndValues[i + 1]);
      }
    }
    overrides.addAll(common.overrides());
    return overrides;
  }

  private void fresh() {
    BenchmarkConfig config =
        ConfigLoader.BENCHMARK.load(
            common.config(),
            with(
                "benchmark", benchmark,
                "data", data,
                "model_name_or_path", model,
                "completions", completions));
    BenchmarkConfig.Task task = config.task();
    String output = task.outputDir();
    if (output == null) {
      String time =
          ZonedDateTime.now(ZoneId.systemDefault())
              .format(DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss"));
      output = "runs/" + task.benchmark() + "-" + time;
    }
    // The files are read first: a wrong path leaves no folder behind.
    BenchmarkRun run = BenchmarkRun.of(config);
    if (task.completions() == null) {
      Workspace.requireRuntime(config.runtime());
    }
    BenchmarkFolder folder = BenchmarkFolder.create(Path.of(output));
    folder.writeConfig(ConfigLoader.BENCHMARK.toYaml(config));
    folder.writeVersions(Versions.of(config.runtime()));
    evaluate(run, folder);
  }

  private void resumed(Path from) {
    if (common.config() != null || benchmark != null || model != null || completions != null) {
      throw new InputException(
          "--resume takes the settings of the evaluation in %s: leave --config, --benchmark,"
                  .formatted(from)
              + " --model and --completions out");
    }
    List<String> overrides = with("data", data);
    for (String override : overrides) {
      String key = override.substring(0, Math.max(0, override.indexOf('=')));
      if (!BenchmarkRun.CHANGEABLE.contains(key)) {
        throw new InputException(
            "%s: answers of one evaluation are given alike; --resume takes %s alone"
                .formatted(override, String.join(", ", BenchmarkRun.CHANGEABLE)));
      }
    }
    BenchmarkFolder folder = BenchmarkFolder.resume(from);
    BenchmarkConfig config = ConfigLoader.BENCHMARK.load(folder.config(), overrides);
    BenchmarkRun run = BenchmarkRun.of(config);
    folder.writeConfig(ConfigLoader.BENCHMARK.toYaml(config));
    evaluate(run, folder);
  }

  private static void evaluate(BenchmarkRun run, BenchmarkFolder folder) {
    run.evaluate(folder, System.out);
    System.out.println("report:  " + folder.report("html"));
  }
}
