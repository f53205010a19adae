package org.grpo4j.benchmarks.evidence;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.benchmarks.evidence.Instruction.Pipe;

/**
 * What one element costs in a kernel's hot loops.
 *
 * @param instructions all of them
 * @param special on the special-function unit
 * @param pipes by unit
 */
record Cost(double instructions, double special, Map<Pipe, Double> pipes) {
  /** Lanes that a multiprocessor issues and executes in a cycle. */
  private static final double ISSUE = 128;

  private static final Map<Pipe, Double> LANES =
      Map.of(Pipe.SPECIAL, 16.0, Pipe.FMA, 128.0, Pipe.ALU, 64.0, Pipe.DOUBLE, 2.0);

  /** The sum over the loops that an element passes through. */
  static Cost of(List<HotLoop> loops, int elementBytes, int tileVectors) {
    Map<Pipe, Double> pipes = new EnumMap<>(Pipe.class);
    double instructions = 0;
    for (HotLoop loop : loops) {
      double elements = loop.elements(elementBytes, tileVectors);
      instructions += loop.path().size() / elements;
      loop.pipes().forEach((pipe, n) -> pipes.merge(pipe, n / elements, Double::sum));
    }
    return new Cost(instructions, pipes.getOrDefault(Pipe.SPECIAL, 0.0), pipes);
  }

  /**
   * Cycles of one multiprocessor per element: the busiest of issue and units, each at its lanes.
   */
  double cycles() {
    double cycles = instructions / ISSUE;
    for (Map.Entry<Pipe, Double> lanes : LANES.entrySet()) {
      cycles = Math.max(cycles, pipes.getOrDefault(lanes.getKey(), 0.0) / lanes.getValue());
    }
    return cycles;
  }

  /** What keeps the arithmetic from being faster. */
  String busiest() {
    String name = "issue";
    double most = instructions / ISSUE;
    for (Map.Entry<Pipe, Double> lanes : LANES.entrySet()) {
      double cycles = pipes.getOrDefault(lanes.getKey(), 0.0) / lanes.getValue();
      if (cycles > most) {
        most = cycles;
        name = lanes.getKey().name().toLowerCase(java.util.Locale.ROOT);
      }
    }
    return name;
  }
}
