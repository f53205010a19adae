package org.grpo4j.trainer.selfcheck;

import java.io.IOException;
import java.nio.file.Path;

/** BFCL's verdicts on calls; fields id, category, output, valid, error_type. */
public final class BfclVectors implements VectorChecker {

  @Override
  public boolean accepts(Path file) throws IOException {
    return VectorFiles.firstCaseHas(file, "id", "category", "output", "valid", "error_type");
  }

  @Override
  public void check(Path file, CheckReport report) throws IOException {
    int cases = VectorFiles.cases(file).size();
    report.skipped(file, cases + " cases", "comes with the benchmark evaluation");
  }
}
