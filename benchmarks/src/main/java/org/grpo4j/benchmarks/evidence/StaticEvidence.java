package org.grpo4j.benchmarks.evidence;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.grpo4j.benchmarks.evidence.SassListing.Kernel;

/**
 * Prints what the machine code of the CUDA kernels costs and what follows for their speed, and
 * fails where it costs more than {@code cuda/evidence/limits.tsv} allows.
 *
 * <p>Arguments: the folder that {@code cuda/evidence/build.sh} filled (NAME.sm_90.cubin with
 * NAME.sm_90.txt, what ptxas said, and NAME.sm_90.ptx), the limits, and nvdisasm; where there is
 * none, registers, spills, stack, shared memory and PTX are checked, instructions are not.
 */
public final class StaticEvidence {
  private static final long ROWS = 8192;
  private static final long VOCAB = 151_936;
  private static final Pattern CUBIN = Pattern.compile("(.+)\\.(sm_\\d+)\\.cubin");

  private final PrintStream out;
  private final List<String> failures = new ArrayList<>();

  StaticEvidence(PrintStream out) {
    this.out = out;
  }

  /** What is known of the kernels of one architecture. */
  record Code(Map<String, ResourceUsage> resources, Map<String, Kernel> kernels) {}

  public static void main(String[] args) throws IOException, InterruptedException {
    if (args.length < 2 || args.length > 3) {
      System.err.println("want: folder of cubins, limits.tsv, and nvdisasm where there is one");
      System.exit(2);
    }
    StaticEvidence evidence = new StaticEvidence(System.out);
    Map<String, Code> code = load(Path.of(args[0]), args.length == 3 ? args[2] : "");
    if (code.isEmpty()) {
      System.err.println("no cubins in " + args[0] + ": run cuda/evidence/build.sh first");
      System.exit(2);
    }
    evidence.checkPtx(Path.of(args[0]));
    List<String> failures = evidence.report(code, Expectation.read(Path.of(args[1])));
    System.out.println();
    failures.forEach(f -> System.out.println("FAILED " + f));
    System.out.println(
        failures.isEmpty() ? "static evidence: all within limits" : "static evidence: failed");
    System.exit(failures.isEmpty() ? 0 : 1);
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> listing = Files.list(folder)) {
      return listing.sorted().toList();
    }
  }

  private static Map<String, Code> load(Path folder, String nvdisasm)
      throws IOException, InterruptedException {
    Map<String, Code> code = new TreeMap<>();
    for (Path file : files(folder)) {
      var name = CUBIN.matcher(file.getFileName().toString());
      if (!name.matches()) {
        continue;
      }
      Code of =
          code.computeIfAbsent(name.group(2), a -> new Code(new TreeMap<>(), new TreeMap<>()));
      Path said = file.resolveSibling(name.group(1) + "." + name.group(2) + ".txt");
      of.resources().putAll(ResourceUsage.parse(Files.readAllLines(said)));
      if (!nvdisasm.isEmpty()) {
        of.kernels().putAll(SassListing.parse(disassemble(nvdisasm, file)));
      }
    }
    return code;
  }

  private static List<String> disassemble(String nvdisasm, Path cubin)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(nvdisasm, "-c", cubin.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    List<String> lines = process.inputReader().lines().toList();
    if (process.waitFor() != 0) {
      throw new IOException(nvdisasm + " can't read " + cubin);
    }
    return lines;
  }

  private void checkPtx(Path folder) throws IOException {
    List<Path> ptx = files(folder).stream().filter(f -> f.toString().endsWith(".ptx")).toList();
    List<String> found = new ArrayList<>();
    for (Path file : ptx) {
      PtxRules.violations(Files.readAllLines(file))
          .forEach(v -> found.add("PTX " + file.getFileName() + ": " + v));
    }
    failures.addAll(found);
    limit("cubins without PTX beside them", ptx.isEmpty() ? 1 : 0, 0);
    out.printf(
        Locale.ROOT,
        "PTX of %d sources: %d calls, traps, local arrays or floating-point atomics%n",
        ptx.size(),
        found.size());
  }

  /** Prints both tables; gives what is beyond the limits. */
  List<String> report(Map<String, Code> code, List<Expectation> expectations) {
    printMachine(code);
    for (Map.Entry<String, Code> entry : code.entrySet()) {
      allKernels(entry.getKey(), entry.getValue());
    }
    out.println();
    out.println(
        "| operation | arch | registers | occupancy | shared | instructions | special | loops: path (off path) |"
            + " busiest |");
    out.println("|---|---|---|---|---|---|---|---|---|");
    List<String> predictions = new ArrayList<>();
    for (Expectation row : expectations) {
      code.forEach((arch, of) -> check(row, arch, of, predictions));
    }
    out.println();
    out.printf(
        Locale.ROOT,
        "Predicted for %,d x %,d, never measured: t = max(bytes / (%.2f bandwidth) x max(1, needed /"
            + " in flight), elements x cycles / (multiprocessors x clock x %.1f)),%n"
            + "cycles = the busiest of instructions / 128 and each unit's operations / its lanes"
            + " (special 16, ALU 64, FMA 128).%n%n",
        ROWS,
        VOCAB,
        Gpu.ACHIEVABLE,
        Gpu.ISSUING);
    out.println(
        "| operation | device | occupancy | KiB in flight of those needed | memory ms | arithmetic ms | predicted ms | share of"
            + " achievable bandwidth |");
    out.println("|---|---|---|---|---|---|---|---|");
    predictions.forEach(out::println);
    return failures;
  }

  private void printMachine(Map<String, Code> code) {
    out.println("Machine code of " + String.join(", ", code.keySet()) + ":");
    if (code.values().stream().allMatch(c -> c.kernels().isEmpty())) {
      out.println(
          "skipped: instructions and times, for want of nvdisasm (NVDISASM=... names one);"
              + " registers, spills, stack and shared memory are checked");
    }
  }

  /** What holds for every kernel: nothing spilled, no stack, dynamic shared memory alone. */
  private void allKernels(String arch, Code code) {
    int most = 0;
    for (Map.Entry<String, ResourceUsage> kernel : code.resources().entrySet()) {
      ResourceUsage used = kernel.getValue();
      most = Math.max(most, used.registers());
      limit(arch + " " + kernel.getKey() + ": bytes spilled", used.spillBytes(), 0);
      limit(arch + " " + kernel.getKey() + ": bytes of stack", used.stackBytes(), 0);
      // A launch lets a kernel have all of a device's shared memory as dynamic: none may be static.
      limit(
          arch + " " + kernel.getKey() + ": bytes of static shared memory",
          used.staticSharedBytes(),
          0);
    }
    for (Kernel kernel : code.kernels().values()) {
      limit(
          arch + " " + kernel.name() + ": accesses to local memory",
          (double) kernel.localAccesses(),
          0);
    }
    out.printf(
        Locale.ROOT, "%s: %d kernels, at most %d registers%n", arch, code.resources().size(), most);
  }

  private void check(Expectation row, String arch, Code code, List<String> predictions) {
    if (!row.architectures().contains(arch)) {
      return;
    }
    List<HotLoop> loops = new ArrayList<>();
    int registers = 0;
    for (Pattern pattern : row.kernels()) {
      Optional<String> name = only(row, arch, pattern, code);
      if (name.isEmpty()) {
        return;
      }
      ResourceUsage used = code.resources().get(name.get());
      registers = Math.max(registers, used == null ? 0 : used.registers());
      Kernel kernel = code.kernels().get(name.get());
      if (kernel != null) {
        loops.addAll(HotLoop.of(kernel.flow()));
      }
    }
    String where = row.operation() + " " + arch;
    limit(where + ": registers", registers, row.maxRegisters());
    double occupancy = Gpu.of(arch).occupancy(row.threads(), registers, row.sharedBytes());
    if (occupancy == 0) {
      failures.add(where + ": not one block fits a multiprocessor");
    }
    out.printf(
        Locale.ROOT,
        "| %s | %s | %d | %.0f%% | %d |",
        row.operation(),
        arch,
        registers,
        100 * occupancy,
        row.sharedBytes());
    if (code.kernels().isEmpty()) {
      out.println(" | | | |");
      return;
    }
    Cost cost = Cost.of(loops, row.elementBytes(), row.tileVectors());
    limit(where + ": instructions per element", cost.instructions(), row.maxInstructions());
    limit(where + ": special-function operations per element", cost.special(), row.maxSpecial());
    long narrow = loops.stream().mapToLong(HotLoop::narrowAccesses).sum();
    limit(where + ": narrow accesses to global memory in hot loops", (double) narrow, 0);
    if (loops.isEmpty()) {
      failures.add(where + ": no loop with accesses of 16 bytes");
    }
    out.printf(
        Locale.ROOT,
        " %.2f | %.2f | %s | %s |%n",
        cost.instructions(),
        cost.special(),
        describe(loops),
        cost.busiest());
    predict(row, arch, registers, cost, predictions);
  }

  private Optional<String> only(Expectation row, String arch, Pattern pattern, Code code) {
    List<String> names =
        code.resources().keySet().stream().filter(n -> pattern.matcher(n).find()).toList();
    if (names.size() != 1) {
      failures.add(
          row.operation() + " " + arch + ": " + pattern + " matches " + names.size() + " kernels");
      return Optional.empty();
    }
    return Optional.of(names.get(0));
  }

  private static String describe(List<HotLoop> loops) {
    List<String> parts = new ArrayList<>();
    for (HotLoop loop : loops) {
      parts.add(loop.path().size() + " (" + loop.offPath() + ")");
    }
    return String.join(" + ", parts);
  }

  private static void predict(
      Expectation row, String arch, int registers, Cost cost, List<String> predictions) {
    double elements = (double) ROWS * VOCAB;
    for (Gpu gpu : Gpu.values()) {
      if (!gpu.architecture().equals(arch)) {
        continue;
      }
      double occupancy = gpu.occupancy(row.threads(), registers, row.sharedBytes());
      double inFlight = gpu.residentThreads(occupancy) * 16 * row.tileVectors() * row.ahead();
      double memory =
          1e3
              * gpu.memorySeconds(elements * row.elementBytes() * (row.reads() + row.writes()))
              * Math.max(1, gpu.bytesInFlight() / inFlight);
      double best =
          1e3 * gpu.memorySeconds(elements * row.elementBytes() * (row.reads() + row.writes()));
      double arithmetic = 1e3 * gpu.arithmeticSeconds(elements * cost.cycles());
      double predicted = Math.max(memory, arithmetic);
      predictions.add(
          String.format(
              Locale.ROOT,
              "| %s | %s | %.0f%% | %.0f of %.0f | %.2f | %.2f | %.2f | %.0f%% |",
              row.operation(),
              gpu.label(),
              100 * occupancy,
              inFlight / 1024,
              gpu.bytesInFlight() / 1024,
              memory,
              arithmetic,
              predicted,
              100 * best / predicted));
    }
  }

  private void limit(String what, double value, double most) {
    if (value > most) {
      failures.add(String.format(Locale.ROOT, "%s: %.2f, at most %.2f", what, value, most));
    }
  }
}
