package org.grpo4j.trainer.selfcheck;

import java.io.IOException;
import java.nio.file.Path;

/** BFCL's verdicts on calls; fields id, category, output, valid, error_type. */
public final class BfclVectors implements VectorChecker {

  @Override
  public boolean accepts(Path file) throws IOException {
    return VectorFiles.casesHave(file, "id", "category", "output", "valid", "error_type");
  }

  @Override
  public void check(Path file, CheckReport report) throws IOException {
    int[] cases = new int[1];
    VectorFiles.forEachCase(file, report, (index, vector) -> cases[0]++);
    report.skipped(file, cases[0] + " cases", "comes with the benchmark evaluation");
  }
}
