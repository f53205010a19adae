package org.grpo4j.trainer.cli;

import java.util.concurrent.Callable;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.GenerateConfig;
import org.grpo4j.trainer.recipe.GenerateRun;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code ./grpo4j generate}. */
@Command(
    name = "generate",
    mixinStandardHelpOptions = true,
    description = "Completes prompts with a checkpoint.")
final class GenerateCommand implements Callable<Integer> {
  @Mixin private CommonOptions common = new CommonOptions();

  @Override
  public Integer call() {
    GenerateConfig config = common.load(ConfigLoader.GENERATE);
    GenerateRun.generate(config, System.out, System.err);
    return 0;
  }
}
