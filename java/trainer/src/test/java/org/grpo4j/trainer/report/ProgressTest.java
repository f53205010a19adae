package org.grpo4j.trainer.report;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private long now;

  private Progress progress(boolean terminal, int first) {
    return new Progress(
        new PrintStream(bytes, true, StandardCharsets.UTF_8), terminal, first, 100, () -> now);
  }

  private String shown() {
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Test
  void plainLinesAreFewOffATerminal() {
    Progress p = progress(false, 0);
    for (int step = 1; step <= 100; step++) {
      now += 1_000_000_000L;
      p.step(step, "reward", 1.25, 0.5, 12345.6);
    }
    String[] lines = shown().split("\n");
    assertEquals(11, lines.length, shown());
    assertEquals("step 1/100  reward 1.250  entropy 0.500  12,346 tokens/s  ETA 1m39s", lines[0]);
    assertEquals("step 100/100  reward 1.250  entropy 0.500  12,346 tokens/s  in 1m40s", lines[10]);
  }

  @Test
  void aTerminalGetsOneLine() {
    Progress p = progress(true, 0);
    now = 2_000_000_000L;
    p.step(1, "loss", 1, Double.NaN, Double.NaN);
    p.message("saved");
    p.step(100, "loss", 2, Double.NaN, Double.NaN);
    assertEquals(
        List.of(
            "\rstep 1/100  loss 1.000  ETA 3m18s\u001b[K",
            "saved",
            "\rstep 100/100  loss 2.000  in 2s\u001b[K"),
        List.of(shown().split("\n")));
  }

  @Test
  void aResumedRunCountsItsOwnStepsOnly() {
    Progress p = progress(false, 90);
    now = 5_000_000_000L;
    p.step(95, "reward", 0, 0, 1);
    assertEquals("step 95/100  reward 0.000  entropy 0.000  1 tokens/s  ETA 5s\n", shown());
  }

  @Test
  void durations() {
    assertEquals("59s", Progress.duration(59_000_000_000L));
    assertEquals("1m00s", Progress.duration(59_900_000_000L));
    assertEquals("2h07m", Progress.duration(7_630_000_000_000L));
  }
}
