package org.grpo4j.benchmarks.gpu;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Times between CUDA events, and the table of them beside what was predicted.
 *
 * <p>Predicted: max(bytes / bandwidth of the copy measured beside it, elements × instructions of an
 * element / instructions that the device issues in a second). The instructions are the goals that
 * the static evidence holds: 13 for token_stats, 26 for policy_loss.
 */
final class DeviceTimes {
  static final String COPY = "copy";

  private static final Map<String, Integer> INSTRUCTIONS =
      Map.of(COPY, 0, "token_stats", 13, "policy_loss", 26);

  private static final Map<Case, List<Double>> TIMES = new LinkedHashMap<>();

  private DeviceTimes() {}

  /** One operation on one shape; bytes that it has to move. */
  record Case(String operation, String dtype, long rows, long vocab, long bytes) {}

  static synchronized void add(Case of, double milliseconds) {
    TIMES.computeIfAbsent(of, key -> new ArrayList<>()).add(milliseconds);
  }

  private static double median(List<Double> values) {
    List<Double> sorted = new ArrayList<>(values);
    Collections.sort(sorted);
    return sorted.get(sorted.size() / 2);
  }

  /**
   * Bandwidth of a case's copy, bytes a second; NaN where it was not timed.
   *
   * @param times median milliseconds of each case
   */
  private static double copyBandwidth(Map<Case, Double> times, Case of) {
    return times.entrySet().stream()
        .filter(e -> e.getKey().operation().equals(COPY))
        .filter(e -> e.getKey().dtype().equals(of.dtype()))
        .filter(e -> e.getKey().rows() == of.rows() && e.getKey().vocab() == of.vocab())
        .mapToDouble(e -> e.getKey().bytes() / (e.getValue() * 1e-3))
        .findFirst()
        .orElse(Double.NaN);
  }

  /** Milliseconds, by the formula above. */
  static double predicted(Case of, double copyBandwidth, double issueRate) {
    double memory = of.bytes() / copyBandwidth;
    int instructions = INSTRUCTIONS.getOrDefault(of.operation(), 0);
    double arithmetic = (double) of.rows() * of.vocab() * instructions / issueRate;
    return 1e3 * Math.max(memory, arithmetic);
  }

  /** The lines of the table. */
  static synchronized List<String> table(double issueRate) {
    Map<Case, Double> medians = new LinkedHashMap<>();
    TIMES.forEach((of, values) -> medians.put(of, median(values)));
    List<String> lines = new ArrayList<>();
    medians.forEach(
        (of, milliseconds) -> {
          double bandwidth = copyBandwidth(medians, of);
          double reached = of.bytes() / (milliseconds * 1e-3);
          lines.add(
              String.format(
                  Locale.ROOT,
                  "%-12s %-5s %6d x %-7d measured %8.3f ms, %7.1f GB/s, %5.1f%% of the copy;"
                      + " predicted %8.3f ms",
                  of.operation(),
                  of.dtype(),
                  of.rows(),
                  of.vocab(),
                  milliseconds,
                  reached * 1e-9,
                  100 * reached / bandwidth,
                  predicted(of, bandwidth, issueRate)));
        });
    return lines;
  }
}
