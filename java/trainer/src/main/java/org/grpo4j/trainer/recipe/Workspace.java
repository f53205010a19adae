package org.grpo4j.trainer.recipe;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Locale;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.grpo4j.kernels.Backend;
import org.grpo4j.kernels.Isa;
import org.grpo4j.kernels.KernelException;
import org.grpo4j.kernels.Kernels;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.TensorKernels;
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

  /**
   * Threads, instruction set, device and backend, as configured; prints once what was taken.
   *
   * @return the kernels of the device, to be closed after the model
   * @throws InputException if something that was asked for is not here
   */
  static TensorKernels applyRuntime(RuntimeSettings settings, PrintStream out) {
    int threads =
        settings.numThreads() > 0
            ? settings.numThreads()
            : Runtime.getRuntime().availableProcessors();
    TorchRuntime.configureThreads(threads);
    TensorKernels kernels = kernels(settings);
    out.println("kernels: " + kernels.describe());
    return kernels;
  }

  /**
   * Refuses a device, backend or instruction set that is not here: before a run's folder is made.
   *
   * @throws InputException naming what is missing
   */
  public static void requireRuntime(RuntimeSettings settings) {
    kernels(settings).close();
  }

  /** Device and backend, and why this machine can't meet them, where it can't. */
  public static String describeRuntime(RuntimeSettings settings) {
    try (TensorKernels kernels = kernels(settings)) {
      return kernels.describe();
    } catch (InputException e) {
      return "device %s, backend %s: not on this machine; %s"
          .formatted(settings.device(), settings.backend(), e.getMessage());
    }
  }

  private static TensorKernels kernels(RuntimeSettings settings) {
    if (settings.isa() != RuntimeSettings.Isa.AUTO) {
      try {
        Kernels.use(Isa.valueOf(settings.isa().name()));
      } catch (KernelException e) {
        throw new InputException("isa: " + e.getMessage(), e);
      }
    }
    try {
      return TensorKernels.on(settings.torchDevice(), backend(settings));
    } catch (KernelException e) {
      throw new InputException("backend: " + e.getMessage(), e);
    }
  }

  /** What computes the loss; on the CPU, GRPO4J_BACKEND and its property count as well. */
  private static Backend backend(RuntimeSettings settings) {
    if (!settings.autoBackend()) {
      return Backend.named(settings.backend());
    }
    return settings.torchDevice().isCuda() ? Backend.CUDA : Kernels.backend();
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
