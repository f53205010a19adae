package org.grpo4j.trainer.cli;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.SftConfig;
import org.grpo4j.trainer.recipe.SftRun;
import org.grpo4j.trainer.report.RunDirectory;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code ./grpo4j sft}: supervised fine-tuning. */
@Command(
    name = "sft",
    mixinStandardHelpOptions = true,
    description =
        "Fine-tunes with cross entropy on the answers of a file, or warm-starts the embedded model.")
final class SftCommand implements Callable<Integer> {
  @Mixin private CommonOptions common = new CommonOptions();

  @Option(
      names = "--resume",
      paramLabel = "DIR",
      description = "Continue the run in DIR from its last checkpoint, with its settings.")
  private @Nullable Path resume;

  @Override
  public Integer call() {
    RunDirectory resumed = resume == null ? null : RunStart.resumed(resume, common);
    SftConfig config =
        resumed == null
            ? common.load(ConfigLoader.SFT)
            : ConfigLoader.SFT.load(resumed.config(), common.overrides());
    String yaml = ConfigLoader.SFT.toYaml(config);
    RunDirectory run =
        resumed == null
            ? RunStart.fresh("sft", config.run(), config.runtime(), yaml)
            : RunStart.continued(resumed, yaml);
    RunStart.logging(
        run, () -> SftRun.train(config, run, System.out).ifPresent(s -> RunStart.done(run)));
    return 0;
  }
}
