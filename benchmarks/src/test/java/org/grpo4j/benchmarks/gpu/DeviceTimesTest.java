package org.grpo4j.benchmarks.gpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class DeviceTimesTest {
  private static final long ELEMENTS = 8192L * 151_936;

  /**
   * 2.49 GB at 3 TB/s are 0.83 ms, 13 instructions an element at 30 T/s 0.54 ms: memory decides.
   */
  @Test
  void theSlowerOfMemoryAndIssueIsPredicted() {
    DeviceTimes.Case forward =
        new DeviceTimes.Case("token_stats", "bf16", 8192, 151_936, 2 * ELEMENTS);
    assertEquals(2e3 * ELEMENTS / 3e12, DeviceTimes.predicted(forward, 3e12, 30e12), 1e-9);
    assertEquals(13e3 * ELEMENTS / 10e12, DeviceTimes.predicted(forward, 3e12, 10e12), 1e-9);
  }

  /** Medians, and bandwidth against the copy of the same shape and type. */
  @Test
  void theTableHoldsMeasuredAndPredicted() {
    DeviceTimes.add(new DeviceTimes.Case(DeviceTimes.COPY, "f32", 2, 1000, 16_000), 2);
    for (double milliseconds : new double[] {9, 1, 4}) {
      DeviceTimes.add(new DeviceTimes.Case("policy_loss", "f32", 2, 1000, 16_000), milliseconds);
    }
    List<String> lines = DeviceTimes.table(1e12);
    String line = lines.get(lines.size() - 1);
    assertTrue(line.contains("measured    4.000 ms"), line);
    assertTrue(line.contains(" 50.0% of the copy; predicted    2.000 ms"), line);
  }
}
