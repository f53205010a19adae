package org.grpo4j.trainer.cli;

import java.util.concurrent.Callable;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.EvalConfig;
import org.grpo4j.trainer.recipe.EvalRun;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code ./grpo4j eval}. */
@Command(
    name = "eval",
    mixinStandardHelpOptions = true,
    description = "Measures a checkpoint on held-out prompts: reward, exact calls, format.")
final class EvalCommand implements Callable<Integer> {
  @Mixin private CommonOptions common = new CommonOptions();

  @Override
  public Integer call() {
    EvalConfig config = common.load(ConfigLoader.EVAL);
    EvalRun.evaluate(config, System.out);
    return 0;
  }
}
