package org.grpo4j.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ReportTest {
  /** 40 MB of logits. */
  private static final BatchCase BATCH = new BatchCase(100, 100_000, "f32", "3", 2, 0, false);

  private static Report.Measured measured(Class<?> of, String name, double milliseconds)
      throws NoSuchMethodException {
    for (var method : of.getMethods()) {
      if (method.getName().equals(name)) {
        Moves moves = Objects.requireNonNull(method.getAnnotation(Moves.class));
        return Report.Measured.of(milliseconds, moves, BATCH);
      }
    }
    throw new NoSuchMethodException(name);
  }

  private static List<String> lines(Map<String, Double> milliseconds) throws Exception {
    Map<String, Report.Measured> results = new TreeMap<>();
    for (var each : milliseconds.entrySet()) {
      results.put(each.getKey(), measured(LossBenchmark.class, each.getKey(), each.getValue()));
    }
    return new Report(results).lines();
  }

  private static String line(List<String> lines, String name) {
    return lines.stream().filter(l -> l.trim().startsWith(name + " ")).findFirst().orElseThrow();
  }

  @Test
  void sharesAreOfTheFasterYardstickThatMovesAlike() throws Exception {
    List<String> lines =
        lines(
            Map.of(
                "policyLoss", 5.0,
                "policyLossTorch", 100.0,
                "tokenStats", 4.0,
                "passByLibtorch", 8.0,
                "passByMemcpy", 4.0,
                "readByLibtorch", 2.0,
                "readByMemcpy", 3.0));
    // 80 MB in 5 ms.
    String policyLoss = line(lines, "policyLoss");
    assertTrue(policyLoss.contains("16.0 GB/s   80.0% of the pass"), policyLoss);
    assertTrue(policyLoss.endsWith("20.0 times as fast as torch"), policyLoss);
    String tokenStats = line(lines, "tokenStats");
    assertTrue(tokenStats.endsWith("10.0 GB/s   50.0% of the read"), tokenStats);
    assertEquals(7, lines.size(), lines::toString);
  }

  @Test
  void moreThanMemoryGivesIsAWarning() throws Exception {
    List<String> lines = lines(Map.of("policyLoss", 5.0, "tokenStats", 4.0, "passByMemcpy", 5.3));
    String warning = lines.get(lines.size() - 1);
    assertTrue(warning.startsWith("  warning: more than 105%"), warning);
    assertTrue(warning.contains(" in policyLoss: "), warning);
    assertFalse(line(lines, "tokenStats").contains("%"), "no read was measured");
  }

  /** 8 states of 40 bytes read, one written, and two floats. */
  @Test
  void bytesOfRowsCountWhereNoLogitsMove() throws Exception {
    assertEquals(
        100 * (9 * 40 + 8), measured(RowPartsBenchmark.class, "mergeStates", 1).bytes(), 0);
    assertEquals(40e6, measured(PartsBenchmark.class, "logProbs", 1).bytes(), 0);
  }
}
