package org.grpo4j.trainer.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.report.RunIoException;
import org.grpo4j.trainer.task.EmbeddedCheckpoint;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code ./grpo4j embedded}: what the embedded checkpoint is made from. */
@Command(
    name = "embedded",
    mixinStandardHelpOptions = true,
    description =
        "Writes the embedded task's tokenizer, model shape and data, from which sft makes the"
            + " embedded checkpoint.")
final class EmbeddedCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--output",
      required = true,
      paramLabel = "DIR",
      description = "Folder to write to.")
  private Path output;

  @Option(
      names = "--rows",
      paramLabel = "N",
      defaultValue = "32000",
      description = "Rows of warm-start.jsonl and of train.jsonl (default: ${DEFAULT-VALUE}).")
  private int rows;

  @Option(
      names = "--held-out",
      paramLabel = "N",
      defaultValue = "400",
      description = "Rows of each held-out file (default: ${DEFAULT-VALUE}).")
  private int heldOut;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Seed of the data and of the tokenizer's text (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Override
  public Integer call() {
    if (rows < 1 || heldOut < 1) {
      throw new InputException("--rows and --held-out must be at least 1");
    }
    try {
      EmbeddedCheckpoint.writeWithoutWeights(output, seed);
      EmbeddedCheckpoint.writeData(output, rows, heldOut, seed);
    } catch (IOException e) {
      throw new RunIoException(output, e);
    }
    spec.commandLine()
        .getOut()
        .printf(
            "wrote %s; train its weights with:%n  ./grpo4j sft model_name_or_path=%s"
                + " from_scratch=true%n",
            output, output);
    return 0;
  }
}
