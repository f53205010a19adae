package org.grpo4j.trainer.cli;

import java.util.concurrent.Callable;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.SftConfig;
import org.grpo4j.trainer.report.RunDirectory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code ./grpo4j sft}: supervised fine-tuning. */
@Command(
    name = "sft",
    mixinStandardHelpOptions = true,
    description =
        "Fine-tunes with cross entropy on the answers of a file, or warm-starts the embedded model.")
final class SftCommand implements Callable<Integer> {
  @Mixin private CommonOptions common = new CommonOptions();

  @Override
  public Integer call() {
    SftConfig config = common.load(ConfigLoader.SFT);
    RunDirectory run = RunStart.fresh("sft", config.run(), ConfigLoader.SFT.toYaml(config));
    RunStart.logging(
        run,
        () -> {
          throw new UnsupportedOperationException("sft is not wired to the command line yet");
        });
    return 0;
  }
}
