package org.grpo4j.trainer.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.grpo4j.torch.ModelConfig;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.TrainConfig;
import org.grpo4j.trainer.recipe.TrainRun;
import org.grpo4j.trainer.recipe.Workspace;
import org.grpo4j.trainer.report.RunDirectory;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code ./grpo4j train}: reinforcement learning with GRPO and ResT. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    description =
        "Trains with GRPO and ResT's token weights. Without settings: the embedded tool-calling"
            + " task and its tiny model; token_weighting=none makes it plain GRPO.")
final class TrainCommand implements Callable<Integer> {
  @Mixin private CommonOptions common = new CommonOptions();
  @Spec private CommandSpec spec;

  @Option(
      names = "--resume",
      paramLabel = "DIR",
      description = "Continue the run in DIR from its last checkpoint, with its settings.")
  private @Nullable Path resume;

  @Option(
      names = "--dry-run",
      description = "Print the resolved settings and a memory estimate, and train nothing.")
  private boolean dryRun;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    RunDirectory resumed = resume == null ? null : RunStart.resumed(resume, common);
    TrainConfig config =
        resumed == null
            ? common.load(ConfigLoader.TRAIN)
            : ConfigLoader.TRAIN.load(resumed.config(), common.overrides());
    if (dryRun) {
      out.print(ConfigLoader.TRAIN.toYaml(config));
      Optional<ModelConfig> published = PublishedShapes.ifAbsent(config.model());
      published.ifPresent(
          shape ->
              out.printf(
                  "# %s is not here: its published shape counts, %,d parameters%n",
                  config.model().modelNameOrPath(), shape.parameterCount()));
      out.println("# " + Workspace.describeRuntime(config.runtime()));
      MemoryEstimate.of(config, published.orElseGet(() -> shape(config)))
          .lines()
          .forEach(line -> out.println("# " + line));
      out.flush();
      return 0;
    }
    String yaml = ConfigLoader.TRAIN.toYaml(config);
    RunDirectory run =
        resumed == null
            ? RunStart.fresh("train", config.run(), config.runtime(), yaml)
            : RunStart.continued(resumed, yaml);
    RunStart.logging(
        run, () -> TrainRun.train(config, run, System.out).ifPresent(s -> RunStart.done(run)));
    return 0;
  }

  /** That of the checkpoint the settings name. */
  static ModelConfig shape(TrainConfig config) {
    return ModelConfig.read(Workspace.modelFolder(config.model(), Workspace.temporaryFolder()));
  }
}
