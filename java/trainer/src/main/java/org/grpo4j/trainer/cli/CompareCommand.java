package org.grpo4j.trainer.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.grpo4j.torch.ModelConfig;
import org.grpo4j.trainer.config.CompareConfig;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.RuntimeSettings;
import org.grpo4j.trainer.recipe.ComparePlan;
import org.grpo4j.trainer.recipe.CompareRun;
import org.grpo4j.trainer.recipe.Workspace;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code ./grpo4j compare}: methods × seeds at equal tokens, one report. */
@Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    description =
        "Trains methods x seeds on the embedded task at equal tokens and reports curves, intervals"
            + " and paired tests. The same command goes on where it was stopped.")
final class CompareCommand implements Callable<Integer> {
  /** As a shell reports a program that Ctrl-C ended. */
  private static final int INTERRUPTED = 130;

  @Mixin private CommonOptions common = new CommonOptions();
  @Spec private CommandSpec spec;

  @Option(
      names = "--dry-run",
      description = "Print the settings, the runs, their time and memory, and train nothing.")
  private boolean dryRun;

  @Override
  public Integer call() {
    CompareConfig config = common.load(ConfigLoader.COMPARE);
    if (dryRun) {
      print(config, spec.commandLine().getOut());
      return 0;
    }
    RuntimeSettings runtime = CompareRun.runtime(config);
    Workspace.requireRuntime(runtime);
    return CompareRun.compare(config, Versions.of(runtime), System.out) ? 0 : INTERRUPTED;
  }

  private static void print(CompareConfig config, PrintWriter out) {
    ComparePlan plan = ComparePlan.of(config);
    List<String> lines = new ArrayList<>(plan.lines());
    Map<String, ModelConfig> shapes = new HashMap<>();
    MemoryEstimate largest =
        plan.runs().stream()
            .map(ComparePlan.Run::settings)
            .map(
                settings ->
                    MemoryEstimate.of(
                        settings,
                        shapes.computeIfAbsent(
                            settings.model().modelNameOrPath(),
                            name -> TrainCommand.shape(settings))))
            .max(Comparator.comparingLong(MemoryEstimate::total))
            .orElseThrow();
    lines.addAll(largest.lines());
    out.print(ConfigLoader.COMPARE.toYaml(config));
    lines.forEach(line -> out.println("# " + line));
    out.flush();
  }
}
