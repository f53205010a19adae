package org.grpo4j.trainer.recipe;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.config.CompareConfig;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.TrainConfig;
import org.grpo4j.trainer.report.RunDirectory;

/**
 * The runs of a comparison in their order, and what they will take. The methods of a seed come one
 * after the other: a comparison cut short is a fair one of fewer seeds.
 */
public record ComparePlan(CompareConfig config, List<Run> runs) {
  /**
   * Sampled tokens a second by task, evaluation included: five seeds of grpo, rest and rest_entropy
   * with 400,000 tokens each on one core of an EPYC (docs/results.md).
   */
  private static final Map<String, Double> REFERENCE_SPEED =
      Map.of("single", 12_000.0, "multi", 3_300.0);

  public ComparePlan {
    runs = List.copyOf(runs);
  }

  /**
   * One run.
   *
   * @param folder of the run
   * @param settings as {@code train} takes them
   */
  public record Run(String task, String method, long seed, Path folder, TrainConfig settings) {
    /** Its folder where it has begun. */
    Optional<RunDirectory> begun() {
      if (!Files.exists(folder.resolve("config.yaml"))) {
        return Optional.empty();
      }
      RunDirectory run = RunDirectory.resume(folder);
      TrainConfig there = ConfigLoader.TRAIN.load(run.config(), List.of());
      if (!ConfigLoader.TRAIN.toYaml(there).equals(ConfigLoader.TRAIN.toYaml(settings))) {
        throw new InputException(
            folder + " holds a run with other settings: give another output_dir, or delete it");
      }
      return Optional.of(run);
    }

    private boolean isDone() {
      return begun().filter(run -> Files.exists(run.summary())).isPresent();
    }
  }

  /**
   * Every run, its settings checked.
   *
   * @throws InputException where {@code train} would refuse them
   */
  public static ComparePlan of(CompareConfig config) {
    CompareConfig.Comparison c = config.comparison();
    List<Run> runs = new ArrayList<>();
    for (String task : c.tasks()) {
      for (long seed : c.seeds()) {
        for (String method : c.methods()) {
          Path folder = Path.of(c.outputDir()).resolve(task + "-" + method + "-seed-" + seed);
          List<String> overrides = config.overrides(task, method, seed, folder.toString());
          runs.add(new Run(task, method, seed, folder, ConfigLoader.TRAIN.load(null, overrides)));
        }
      }
    }
    return new ComparePlan(config, runs);
  }

  /**
   * Runs, tokens and time as lines to print.
   *
   * @throws InputException where a run's folder holds one with other settings
   */
  public List<String> lines() {
    long tokens = config.comparison().maxTokens();
    List<Run> open = runs.stream().filter(run -> !run.isDone()).toList();
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
            Locale.ROOT,
            "%d runs of %,d sampled tokens: %,d; %d of them done",
            runs.size(),
            tokens,
            runs.size() * tokens,
            runs.size() - open.size()));
    for (String task : config.comparison().tasks()) {
      long left = open.stream().filter(run -> run.task().equals(task)).count();
      double speed = REFERENCE_SPEED.getOrDefault(task, Double.NaN);
      lines.add(
          String.format(
              Locale.ROOT,
              "%s: %d runs left, about %.0f min at %,.0f tokens/s, the speed of one idle core",
              task,
              left,
              Math.ceil(left * tokens / speed / 60),
              speed));
    }
    return lines;
  }
}
