package org.grpo4j.trainer.recipe;

import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.config.CompareConfig;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.RuntimeSettings;
import org.grpo4j.trainer.report.ComparisonReport;
import org.grpo4j.trainer.report.RunDirectory;

/**
 * Trains every method with every seed and reports. Each run is a run folder; finished ones are not
 * repeated, and one that was stopped goes on, so that the same command continues a comparison.
 */
public final class CompareRun {
  private final CompareConfig config;
  private final Object versions;
  private final PrintStream out;

  private CompareRun(CompareConfig config, Object versions, PrintStream out) {
    this.config = config;
    this.versions = versions;
    this.out = out;
  }

  /**
   * Runs what is missing and writes the report after every run.
   *
   * @param versions written into each run folder
   * @return whether all runs are done; false where Ctrl-C ended it
   * @throws InputException where a run folder holds a run with other settings
   */
  public static boolean compare(CompareConfig config, Object versions, PrintStream out) {
    return new CompareRun(config, versions, out).compare();
  }

  /** What all its runs ask of the machine, but for the seed. */
  public static RuntimeSettings runtime(CompareConfig config) {
    CompareConfig.Comparison c = config.comparison();
    return ConfigLoader.TRAIN
        .load(
            null,
            config.overrides(c.tasks().get(0), c.methods().get(0), c.seeds().get(0), c.outputDir()))
        .runtime();
  }

  private boolean compare() {
    CompareConfig.Comparison c = config.comparison();
    Path folder = Path.of(c.outputDir());
    List<ComparisonReport.Entry> done = new ArrayList<>();
    List<ComparePlan.Run> runs = ComparePlan.of(config).runs();
    for (ComparePlan.Run run : runs) {
      out.printf(
          "run %d of %d: %s, %s, seed %d%n",
          done.size() + 1, runs.size(), run.task(), run.method(), run.seed());
      RunDirectory of = train(run);
      if (!Files.exists(of.summary())) {
        return false;
      }
      done.add(new ComparisonReport.Entry(run.task(), run.method(), run.seed(), of));
      ComparisonReport.write(folder, done, c.baseline(), c.maxTokens());
    }
    out.println("report: " + folder.resolve("comparison.html"));
    return true;
  }

  private RunDirectory train(ComparePlan.Run planned) {
    RunDirectory run = planned.begun().orElseGet(() -> begin(planned));
    if (Files.exists(run.summary())) {
      out.println("done before");
    } else {
      TrainRun.train(planned.settings(), run, out);
    }
    return run;
  }

  private RunDirectory begin(ComparePlan.Run planned) {
    RunDirectory run = RunDirectory.create(planned.folder());
    run.writeConfig(ConfigLoader.TRAIN.toYaml(planned.settings()));
    run.writeVersions(versions);
    return run;
  }
}
