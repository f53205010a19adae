package org.grpo4j.trainer.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.grpo4j.kernels.Backend;
import org.grpo4j.kernels.Isa;
import org.grpo4j.kernels.Kernels;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.selfcheck.VectorSuite;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code ./grpo4j selfcheck}: reference vectors against what this program computes. */
@Command(
    name = "selfcheck",
    mixinStandardHelpOptions = true,
    description =
        "Compares this machine's kernels with their formulas, and this program with reference vectors"
            + " made by others, where there are any. Exit status 0: nothing failed.")
final class SelfcheckCommand implements Callable<Integer> {
  @Option(
      names = "--vectors",
      paramLabel = "DIR",
      description =
          "Folder of vectors, searched with its subfolders; default: ../shared/golden, if it is there.")
  private @Nullable Path vectors;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      defaultValue = "present",
      description =
          "What computes: cpu, cuda (a GPU), cuda-emulated (the CUDA kernels on this processor),"
              + " present (what is here, one after the other), or all, which says why another isn't"
              + " (default: ${DEFAULT-VALUE}).")
  private String backend;

  @Option(
      names = "--isa",
      paramLabel = "NAME",
      defaultValue = "all",
      description =
          "Instruction set of the CPU's kernels: auto, all (one after the other), or a name.")
  private String isa;

  @Override
  public Integer call() throws IOException {
    List<Backend> backends = backends(backend);
    List<Isa> isas = isas(backends);
    Path folder = vectors == null ? defaultFolder() : vectors;
    if (folder != null && !Files.exists(folder)) {
      throw new InputException("--vectors %s: no such folder".formatted(folder));
    }
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    VectorSuite suite = new VectorSuite(VectorSuite.allCheckers(), isas, out);
    for (Backend absent : backends) {
      if (!absent.isAvailable()) {
        suite.skip("backend " + absent, absent.unavailableCause());
      }
    }
    suite.runBuiltin();
    if (folder == null) {
      out.println("no folder shared/golden beside the checkout or above it: no vectors");
    } else {
      suite.run(folder);
    }
    out.println(suite.totals());
    out.flush();
    return suite.succeeded() ? 0 : Failures.INTERNAL;
  }

  /** Those asked for, the absent ones with all; one that is asked for by name must be here. */
  private static List<Backend> backends(String name) {
    List<Backend> known = List.of(Backend.values());
    if (name.equals("all")) {
      return known;
    }
    if (name.equals("present")) {
      return known.stream().filter(Backend::isAvailable).toList();
    }
    Backend one;
    try {
      one = Backend.named(name);
    } catch (IllegalArgumentException e) {
      throw new InputException("--backend " + e.getMessage() + ", present or all", e);
    }
    if (!one.isAvailable()) {
      throw new InputException("--backend %s: %s".formatted(one, one.unavailableCause()));
    }
    return List.of(one);
  }

  /** What the kernels are checked under. */
  private List<Isa> isas(List<Backend> backends) {
    List<Isa> chosen = new ArrayList<>();
    if (backends.contains(Backend.CPU)) {
      chosen.addAll(processorIsas(isa));
    } else if (!isa.equals("all") && !isa.equals("auto")) {
      throw new InputException(
          "--isa %s: --backend %s has no choice of instruction sets".formatted(isa, backend));
    }
    for (Backend other : backends) {
      if (other != Backend.CPU && other.isAvailable()) {
        chosen.add(other == Backend.CUDA ? Isa.CUDA : Isa.CUDA_EMULATED);
      }
    }
    return chosen;
  }

  private static List<Isa> processorIsas(String name) {
    List<Isa> available = Kernels.availableIsas();
    if (name.equals("auto")) {
      return List.of(Kernels.isa());
    }
    if (name.equals("all")) {
      return available;
    }
    List<Isa> chosen = available.stream().filter(isa -> isa.toString().equals(name)).toList();
    if (chosen.isEmpty()) {
      throw new InputException(
          "--isa %s: want auto, all or one of what this machine has: %s"
              .formatted(name, available));
    }
    return chosen;
  }

  /** The reference vectors beside this checkout, or beside a folder around it; null: none. */
  private static @Nullable Path defaultFolder() {
    // The launcher names the checkout; it may have been called from anywhere.
    String home = System.getProperty("grpo4j.home", "");
    for (Path at = Path.of(home).toAbsolutePath(); at != null; at = at.getParent()) {
      Path golden = at.resolve("shared").resolve("golden");
      if (Files.isDirectory(golden)) {
        return golden;
      }
    }
    return null;
  }
}
