package org.grpo4j.trainer.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
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
      defaultValue = "cpu",
      description = "What computes: cpu.")
  private String backend;

  @Option(
      names = "--isa",
      paramLabel = "NAME",
      defaultValue = "all",
      description = "Instruction set of the kernels: auto, all (one after the other), or a name.")
  private String isa;

  @Override
  public Integer call() throws IOException {
    if (!backend.equals("cpu")) {
      throw new InputException("--backend %s: want cpu".formatted(backend));
    }
    Path folder = vectors == null ? defaultFolder() : vectors;
    if (folder != null && !Files.exists(folder)) {
      throw new InputException("--vectors %s: no such folder".formatted(folder));
    }
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    VectorSuite suite = new VectorSuite(VectorSuite.allCheckers(), isas(isa), out);
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

  private static List<Isa> isas(String name) {
    List<Isa> available = Kernels.availableIsas();
    if (name.equals("auto")) {
      return List.of();
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
    Kernels.use(chosen.get(0));
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
