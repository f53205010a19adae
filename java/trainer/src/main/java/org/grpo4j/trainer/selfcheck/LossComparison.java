package org.grpo4j.trainer.selfcheck;

import java.nio.file.Path;

/**
 * Compares what float32 kernels gave with float64 references, and reports the case once.
 *
 * <p>Tolerances. A log-prob of magnitude up to 16 is stored with an error of 1e-6, which a ratio, a
 * KL estimate and a loss inherit: 5e-6, relative for magnitudes above 1. A gradient element: 5e-6
 * of the case's largest element, plus 1e-9 because the files round to nine decimals.
 */
final class LossComparison {
  private static final double TOLERANCE = 5e-6;
  private static final double FILE_ROUNDING = 1e-9;

  private final CheckReport report;
  private final Path file;
  private final String caseName;
  private boolean failed;

  LossComparison(CheckReport report, Path file, String caseName) {
    this.report = report;
    this.file = file;
    this.caseName = caseName;
  }

  LossComparison value(String what, double expected, double got) {
    if (!failed && !(Math.abs(expected - got) <= TOLERANCE * Math.max(1, Math.abs(expected)))) {
      fail(what, expected, got);
    }
    return this;
  }

  LossComparison values(String what, double[] expected, double[] got) {
    if (!sameLength(what, expected, got)) {
      return this;
    }
    for (int i = 0; i < got.length; i++) {
      value(what + "[" + i + "]", expected[i], got[i]);
    }
    return this;
  }

  LossComparison gradient(String what, double[] expected, double[] got) {
    if (!sameLength(what, expected, got)) {
      return this;
    }
    double largest = 0;
    for (double value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < got.length && !failed; i++) {
      if (!(Math.abs(expected[i] - got[i]) <= TOLERANCE * largest + FILE_ROUNDING)) {
        fail(what + "[" + i + "]", expected[i], got[i]);
      }
    }
    return this;
  }

  private boolean sameLength(String what, double[] expected, double[] got) {
    if (!failed && expected.length != got.length) {
      fail(what + " length", expected.length, got.length);
    }
    return !failed;
  }

  private void fail(String what, double expected, double got) {
    failed = true;
    report.failed(file, caseName, what + " = " + expected, what + " = " + got);
  }

  /** Reports the case as passed unless something differed. */
  void done() {
    if (!failed) {
      report.passed(file, caseName);
    }
  }
}
