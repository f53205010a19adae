package org.grpo4j.trainer.cli;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.ServeConfig;
import org.grpo4j.trainer.recipe.ServeRun;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code ./grpo4j serve}: an OpenAI-compatible server. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description =
        "Serves a checkpoint to OpenAI clients: chat completions with tools, completions, models.")
final class ServeCommand implements Callable<Integer> {
  @Mixin private CommonOptions common = new CommonOptions();
  @Spec private CommandSpec spec;

  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "The checkpoint, as model_name_or_path=DIR.")
  private @Nullable String model;

  @Override
  public Integer call() {
    List<String> overrides = new ArrayList<>();
    if (model != null) {
      overrides.add("model_name_or_path=" + model);
    }
    overrides.addAll(common.overrides());
    ServeConfig config = ConfigLoader.SERVE.load(common.config(), overrides);
    PrintStream messages = System.err;
    try (StopSignal stop = StopSignal.listen();
        ServeRun run = ServeRun.start(config, messages)) {
      spec.commandLine()
          .getOut()
          .printf("serving %s at %s, Ctrl-C ends%n", run.modelName(), run.baseUrl());
      int status = stop.await();
      messages.printf(
          "%nno new requests; %d sequences get %d s to end, Ctrl-C again ends at once%n",
          run.unfinished(), config.limits().drainSeconds());
      run.drain();
      return status;
    }
  }
}
