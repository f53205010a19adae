package org.grpo4j.benchmarks.evidence;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A line of {@code cuda/evidence/limits.tsv}: an operation, the kernels that an element passes
 * through, and what they may cost.
 *
 * @param operation its name in the table
 * @param kernels over mangled names; each must match exactly one kernel of a cubin
 * @param architectures those that have it
 * @param elementBytes of the logits
 * @param threads of a block
 * @param sharedBytes of a block
 * @param tileVectors vectors of 16 bytes that a thread sums up in a turn of the loop
 * @param ahead turns of the loop whose data is on its way at a time
 * @param reads times that the logits leave DRAM
 * @param writes times that the gradient goes there
 * @param maxRegisters per thread
 * @param maxInstructions per element
 * @param maxSpecial special-function operations per element
 */
record Expectation(
    String operation,
    List<Pattern> kernels,
    List<String> architectures,
    int elementBytes,
    int threads,
    int sharedBytes,
    int tileVectors,
    int ahead,
    int reads,
    int writes,
    int maxRegisters,
    double maxInstructions,
    double maxSpecial) {
  private static final int COLUMNS = 13;

  /** The lines of a file; those that start with # are comments. */
  static List<Expectation> read(Path file) throws IOException {
    List<Expectation> rows = new ArrayList<>();
    List<String> lines = Files.readAllLines(file);
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      if (line.isBlank() || line.startsWith("#")) {
        continue;
      }
      String[] c = line.split("\t+");
      if (c.length != COLUMNS) {
        throw new IllegalArgumentException(
            file + ":" + (i + 1) + ": " + c.length + " columns, want " + COLUMNS);
      }
      rows.add(
          new Expectation(
              c[0],
              Stream.of(c[1].split(" \\+ ")).map(Pattern::compile).toList(),
              List.of(c[2].split(",")),
              Integer.parseInt(c[3]),
              Integer.parseInt(c[4]),
              Integer.parseInt(c[5]),
              Integer.parseInt(c[6]),
              Integer.parseInt(c[7]),
              Integer.parseInt(c[8]),
              Integer.parseInt(c[9]),
              Integer.parseInt(c[10]),
              Double.parseDouble(c[11]),
              Double.parseDouble(c[12])));
    }
    return rows;
  }
}
