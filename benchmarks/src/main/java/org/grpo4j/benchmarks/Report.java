package org.grpo4j.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * The lines about one batch: milliseconds, the bandwidth that the byte formula gives, the share of
 * the yardstick's, and the ratio to torch.
 *
 * <p>The yardstick of what writes is the faster one of the passes in place over the same buffer, of
 * what only reads the faster one of the reads.
 */
final class Report {
  static final String PASS = "pass";
  static final String READ = "read";

  /** Beyond it something disturbed the yardstick: nothing moves bytes faster than memory does. */
  private static final double MOST = 1.05;

  private static final String TORCH = "Torch";

  /** One operation: median time, what it moves, and what it is measured against. */
  record Measured(double milliseconds, double bytes, String yardstick) {
    static Measured of(double milliseconds, Moves moves, BatchCase batch) {
      double bytes =
          (double) (moves.reads() + moves.writes()) * batch.bytes()
              + (double) moves.rowBytes() * batch.rows();
      return new Measured(
          milliseconds, bytes, moves.writes() > 0 ? PASS : moves.reads() > 0 ? READ : "");
    }

    /** GB/s. */
    double bandwidth() {
      return bytes / (milliseconds * 1e6);
    }
  }

  private final Map<String, Measured> results;

  /**
   * @param results by the benchmark's name; what begins with {@link #PASS} or {@link #READ} is a
   *     yardstick, NAMETorch is torch's way to NAME
   */
  Report(Map<String, Measured> results) {
    this.results = new TreeMap<>(results);
  }

  /** GB/s of the fastest yardstick of that kind; 0 where none ran. */
  private double best(String kind) {
    return results.entrySet().stream()
        .filter(one -> !kind.isEmpty() && one.getKey().startsWith(kind))
        .mapToDouble(one -> one.getValue().bandwidth())
        .max()
        .orElse(0);
  }

  List<String> lines() {
    List<String> lines = new ArrayList<>();
    List<String> tooFast = new ArrayList<>();
    results.forEach(
        (name, of) -> {
          StringBuilder line =
              new StringBuilder(
                  String.format(
                      Locale.ROOT,
                      "  %-20s %10.3f ms  %6.1f GB/s",
                      name,
                      of.milliseconds(),
                      of.bandwidth()));
          double best = best(of.yardstick());
          if (best > 0) {
            double share = of.bandwidth() / best;
            line.append(
                String.format(Locale.ROOT, "  %5.1f%% of the %s", 100 * share, of.yardstick()));
            if (share > MOST) {
              tooFast.add(name);
            }
          }
          Measured torch = results.get(name + TORCH);
          if (torch != null) {
            line.append(
                String.format(
                    Locale.ROOT,
                    "  %.1f times as fast as torch",
                    torch.milliseconds() / of.milliseconds()));
          }
          lines.add(line.toString());
        });
    if (!tooFast.isEmpty()) {
      lines.add(
          tooFast.stream()
              .collect(
                  Collectors.joining(
                      ", ",
                      "  warning: more than 105% of the memory's bandwidth in ",
                      ": something disturbed the yardsticks; measure on an idle machine")));
    }
    return lines;
  }
}
