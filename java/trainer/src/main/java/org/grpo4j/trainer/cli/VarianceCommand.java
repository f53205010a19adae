package org.grpo4j.trainer.cli;

import java.util.concurrent.Callable;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.VarianceConfig;
import org.grpo4j.trainer.recipe.VarianceRun;
import org.grpo4j.trainer.report.RunDirectory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code ./grpo4j variance}: the gradient's variance at a checkpoint, by weighting and region. */
@Command(
    name = "variance",
    mixinStandardHelpOptions = true,
    description =
        "Measures the variance of the policy gradient at a fixed checkpoint, without token weights,"
            + " with both of ResT's and by region, on the same rollouts; trains nothing.")
final class VarianceCommand implements Callable<Integer> {
  @Mixin private CommonOptions common = new CommonOptions();

  @Override
  public Integer call() {
    VarianceConfig config = common.load(ConfigLoader.VARIANCE);
    RunDirectory run =
        RunStart.fresh(
            "variance",
            config.train().run(),
            config.train().runtime(),
            ConfigLoader.VARIANCE.toYaml(config));
    RunStart.logging(run, () -> VarianceRun.measure(config, run, System.out));
    System.out.println("report: " + run.root().resolve("variance.html"));
    return 0;
  }
}
