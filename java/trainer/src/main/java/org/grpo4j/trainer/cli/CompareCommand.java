package org.grpo4j.trainer.cli;

import java.util.concurrent.Callable;
import org.grpo4j.trainer.config.CompareConfig;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.RuntimeSettings;
import org.grpo4j.trainer.recipe.CompareRun;
import org.grpo4j.trainer.recipe.Workspace;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

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

  @Override
  public Integer call() {
    CompareConfig config = common.load(ConfigLoader.COMPARE);
    RuntimeSettings runtime = CompareRun.runtime(config);
    Workspace.requireRuntime(runtime);
    return CompareRun.compare(config, Versions.of(runtime), System.out) ? 0 : INTERRUPTED;
  }
}
