package org.grpo4j.trainer.selfcheck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.grpo4j.fixtures.SharedData;

/** The reference vectors beside the checkout; tests are skipped where they are absent. */
final class GoldenVectors {
  private GoldenVectors() {}

  static Path file(String name) {
    return SharedData.get("golden/" + name);
  }

  /** The file is the checker's, has so many cases, and all of them pass. */
  static void assertAllPass(VectorChecker checker, String name, int cases) throws IOException {
    Path file = file(name);
    assertTrue(checker.accepts(file), "accepts " + file);
    RecordedReport report = RecordedReport.of(checker, file);
    assertEquals(List.of(), report.failed.stream().limit(5).toList());
    assertEquals(List.of(), report.skipped);
    assertEquals(cases, report.passed.size());
  }
}
