package org.grpo4j.trainer.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.grpo4j.trainer.config.ConfigLoader;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What every command with settings takes: a file and overrides. */
final class CommonOptions {
  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "YAML file of keys; what it leaves out keeps its default.")
  private @Nullable Path config;

  @Parameters(
      paramLabel = "key=value",
      description = "Settings that override the file's; the value is YAML.")
  private List<String> overrides = new ArrayList<>();

  @Nullable Path config() {
    return config;
  }

  List<String> overrides() {
    return overrides;
  }

  <T extends Record> T load(ConfigLoader<T> loader) {
    return loader.load(config, overrides);
  }
}
