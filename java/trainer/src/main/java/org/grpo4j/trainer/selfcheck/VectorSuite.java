package org.grpo4j.trainer.selfcheck;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.grpo4j.kernels.Isa;
import org.grpo4j.kernels.Kernels;
import org.jspecify.annotations.Nullable;

/**
 * Runs every checker on every file of a folder. For each file it prints {@code FILE: N passed, N
 * failed, N skipped}, under it a line per failing case with the expected value and the one
 * computed, and a line per skipped case with the reason.
 */
public final class VectorSuite {
  private static final int LONGEST_VALUE = 200;

  private final List<VectorChecker> checkers;
  private final List<Isa> isas;
  private final PrintStream out;
  private long passed;
  private long failed;
  private long skipped;

  /**
   * Creates a suite.
   *
   * @param checkers each file goes to the first that accepts it
   * @param isas a file whose checker uses the kernels is checked once under each; empty: once,
   *     under the one in use
   */
  public VectorSuite(List<VectorChecker> checkers, List<Isa> isas, PrintStream out) {
    this.checkers = List.copyOf(checkers);
    this.isas = List.copyOf(isas);
    this.out = out;
  }

  /** A checker for every format this program knows. */
  public static List<VectorChecker> allCheckers() {
    return List.of(
        new AdvantageVectors(),
        new BfclVectors(),
        new ChatTemplateVectors(),
        new ModelVectors(),
        new RestWeightVectors(),
        new RllaRewardVectors(),
        new ToolRlRewardVectors(),
        new TrlLossVectors(),
        new VerlLossVectors());
  }

  /** Reports what can't be checked here. */
  public void skip(String name, String why) {
    FileReport report = new FileReport(name);
    report.skipped(Path.of(name), "all of it", why);
    print(report);
  }

  /** Checks the kernels against their formulas, once under each instruction set. */
  public void runBuiltin() {
    Isa before = Kernels.isa();
    for (Isa isa : isas.isEmpty() ? List.of(before) : isas) {
      Kernels.use(isa);
      FileReport report = new FileReport("built-in [" + isa + "]");
      BuiltinChecks.run(report);
      print(report);
    }
    Kernels.use(before);
  }

  /**
   * Checks every file under {@code root}, or {@code root} itself where it is a file.
   *
   * @throws IOException where the folder cannot be listed
   */
  public void run(Path root) throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.walk(root, FileVisitOption.FOLLOW_LINKS)) {
      files = all.filter(Files::isRegularFile).sorted().toList();
    }
    Path base = Files.isDirectory(root) ? root : root.toAbsolutePath().getParent();
    List<Path> unknown = new ArrayList<>();
    List<Path> modelFolders = new ArrayList<>();
    for (Path file : files) {
      FileReport unreadable = new FileReport(name(base, file));
      VectorChecker checker = accepting(file, unreadable);
      if (checker != null) {
        checkUnderIsas(checker, file, name(base, file));
      } else if (unreadable.isEmpty()) {
        unknown.add(file);
        continue;
      } else {
        print(unreadable);
      }
      Path folder = file.getParent();
      if (folder != null && Files.exists(folder.resolve("config.json"))) {
        modelFolders.add(folder);
      }
    }
    for (Path file : unknown) {
      // The weights and settings beside a reference are its input, not vectors left unchecked.
      if (!modelFolders.contains(file.getParent())) {
        FileReport report = new FileReport(name(base, file));
        report.skipped(file, "the file", "no known format of vectors");
        print(report);
      }
    }
  }

  private static String name(@Nullable Path base, Path file) {
    return (base == null ? file : base.toAbsolutePath().relativize(file.toAbsolutePath()))
        .toString();
  }

  private @Nullable VectorChecker accepting(Path file, FileReport report) {
    for (VectorChecker checker : checkers) {
      try {
        if (checker.accepts(file)) {
          return checker;
        }
      } catch (IOException | RuntimeException e) {
        report.failed(file, "the file", "a readable file", e.toString());
        return null;
      }
    }
    return null;
  }

  private void checkUnderIsas(VectorChecker checker, Path file, String name) {
    if (isas.isEmpty() || !checker.usesKernels()) {
      FileReport report = new FileReport(name);
      check(checker, file, report);
      print(report);
      return;
    }
    Isa before = Kernels.isa();
    for (Isa isa : isas) {
      Kernels.use(isa);
      FileReport report = new FileReport(name + " [" + isa + "]");
      check(checker, file, report);
      print(report);
    }
    Kernels.use(before);
  }

  private static void check(VectorChecker checker, Path file, FileReport report) {
    try {
      checker.check(file, report);
    } catch (IOException | RuntimeException | LinkageError | OutOfMemoryError e) {
      report.failed(file, "after " + report.cases() + " cases", "no exception", e.toString());
    }
    if (report.isEmpty()) {
      report.skipped(file, "the file", "it holds no case");
    }
  }

  private void print(FileReport report) {
    out.printf(
        "%s: %d passed, %d failed, %d skipped%n",
        report.name, report.passed, report.failed, report.skipped);
    report.lines.forEach(line -> out.println("  " + line));
    out.flush();
    passed += report.passed;
    failed += report.failed;
    skipped += report.skipped;
  }

  /** Whether something was checked and nothing failed. */
  public boolean succeeded() {
    return failed == 0 && passed > 0;
  }

  /** The last line: {@code N passed, N failed, N skipped}. */
  public String totals() {
    return "%d passed, %d failed, %d skipped".formatted(passed, failed, skipped);
  }

  /** Collects the outcome of one file, so that its line comes before those of its cases. */
  private static final class FileReport implements CheckReport {
    private final String name;
    private final List<String> lines = new ArrayList<>();
    private long passed;
    private long failed;
    private long skipped;

    FileReport(String name) {
      this.name = name;
    }

    @Override
    public void passed(Path file, String caseName) {
      passed++;
    }

    @Override
    public void failed(Path file, String caseName, String expected, String got) {
      failed++;
      lines.add(
          "FAILED %s: expected %s, got %s".formatted(oneLine(caseName), cut(expected), cut(got)));
    }

    @Override
    public void skipped(Path file, String caseName, String why) {
      skipped++;
      lines.add("skipped %s: %s".formatted(oneLine(caseName), oneLine(why)));
    }

    boolean isEmpty() {
      return cases() == 0;
    }

    long cases() {
      return passed + failed + skipped;
    }

    private static String cut(String value) {
      String line = oneLine(value);
      return line.length() <= LONGEST_VALUE ? line : line.substring(0, LONGEST_VALUE) + "…";
    }

    private static String oneLine(String text) {
      return text.replace("\n", "\\n").replace("\r", "\\r");
    }
  }
}
