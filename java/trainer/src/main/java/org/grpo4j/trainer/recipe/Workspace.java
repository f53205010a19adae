package org.grpo4j.trainer.recipe;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Locale;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.grpo4j.kernels.Isa;
import org.grpo4j.kernels.KernelException;
import org.grpo4j.kernels.Kernels;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.TorchRuntime;
import org.grpo4j.trainer.config.ModelSettings;
import org.grpo4j.trainer.config.RuntimeSettings;
import org.grpo4j.trainer.config.TrainConfig;
import org.grpo4j.trainer.config.WeightingSettings.TokenWeighting;
import org.grpo4j.trainer.report.RunIoException;
import org.grpo4j.trainer.task.EmbeddedCheckpoint;

/** What every command sets up before it computes. */
public final class Workspace {
  private Workspace() {}

  /** Threads and instruction set, as configured; prints once what was taken. */
  static void applyRuntime(RuntimeSettings settings, PrintStream out) {
    int threads =
        settings.numThreads() > 0
            ? settings.numThreads()
            : Runtime.getRuntime().availableProcessors();
    TorchRuntime.configureThreads(threads);
    if (settings.isa() != RuntimeSettings.Isa.AUTO) {
      try {
        Kernels.use(Isa.valueOf(settings.isa().name()));
      } catch (KernelException e) {
        throw new InputException("isa: " + e.getMessage(), e);
      }
    }
    out.println("kernels: " + Kernels.describe());
  }

  /**
   * The folder of the configured checkpoint; the embedded one is unpacked.
   *
   * @param unpackTo where the embedded checkpoint goes
   */
  public static Path modelFolder(ModelSettings settings, Path unpackTo) {
    if (settings.embedded()) {
      try {
        if (settings.modelNameOrPath().equals(ModelSettings.EMBEDDED_MULTI_TURN)) {
          EmbeddedCheckpoint.extractMultiTurnTo(unpackTo);
        } else {
          EmbeddedCheckpoint.extractTo(unpackTo);
        }
      } catch (IOException e) {
        throw new RunIoException(unpackTo, e);
      }
      return unpackTo;
    }
    Path folder = Path.of(settings.modelNameOrPath());
    if (!Files.isDirectory(folder)) {
      throw new InputException(
          "model_name_or_path '"
              + folder
              + "' is no folder: give 'embedded' or a Hugging Face folder with config.json,"
              + " safetensors and tokenizer.json");
    }
    return folder;
  }

  /** A temporary folder for commands that have no run folder. */
  public static Path temporaryFolder() {
    try {
      Path folder = Files.createTempDirectory("grpo4j-");
      Runtime.getRuntime().addShutdownHook(new Thread(() -> delete(folder)));
      return folder;
    } catch (IOException e) {
      throw new InputException("no temporary folder can be made: " + e.getMessage(), e);
    }
  }

  private static void delete(Path folder) {
    try (Stream<Path> entries = Files.walk(folder)) {
      for (Path p : entries.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(p);
      }
    } catch (IOException e) {
      System.err.println("cannot delete the temporary folder " + folder + ": " + e.getMessage());
    }
  }

  /** The loss in words, for example "dapo+rest". */
  static String objectiveName(TrainConfig config) {
    String name = config.objective().lossType().name().toLowerCase(Locale.ROOT);
    TokenWeighting weighting = config.weighting().tokenWeighting();
    return weighting == TokenWeighting.NONE
        ? name
        : name + "+" + weighting.name().toLowerCase(Locale.ROOT);
  }

  /** Resident memory of this process, MiB. */
  static double residentMib() {
    return Pointer.physicalBytes() / (1024.0 * 1024.0);
  }
}
