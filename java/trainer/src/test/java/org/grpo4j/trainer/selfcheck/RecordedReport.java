package org.grpo4j.trainer.selfcheck;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What a checker reported, by outcome. */
final class RecordedReport implements CheckReport {
  final List<String> passed = new ArrayList<>();
  final List<String> failed = new ArrayList<>();
  final List<String> skipped = new ArrayList<>();

  static RecordedReport of(VectorChecker checker, Path file) throws IOException {
    RecordedReport report = new RecordedReport();
    checker.check(file, report);
    return report;
  }

  @Override
  public void passed(Path file, String caseName) {
    passed.add(caseName);
  }

  @Override
  public void failed(Path file, String caseName, String expected, String got) {
    failed.add(caseName + ": expected " + expected + ", got " + got);
  }

  @Override
  public void skipped(Path file, String caseName, String why) {
    skipped.add(caseName + ": " + why);
  }
}
