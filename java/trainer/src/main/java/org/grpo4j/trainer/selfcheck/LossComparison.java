package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Compares what float32 kernels gave with float64 references, and reports the case once.
 *
 * <p>Tolerances. A log-prob of magnitude up to 16 is stored with an error of 1e-6, which a ratio, a
 * KL estimate and a loss inherit: 5e-6, relative for magnitudes above 1, and as much more as the
 * case's log-probs are above 16. A gradient element: the same part of the case's largest element,
 * or of larger terms that cancel in it, plus 1e-9 because the files round to nine decimals.
 */
final class LossComparison {
  private static final double TOLERANCE = 5e-6;
  private static final double MAGNITUDE = 16;
  private static final double FILE_ROUNDING = 1e-9;

  private final CheckReport report;
  private final Path file;
  private final String caseName;
  private final double tolerance;
  private final List<String> unread;
  private final List<String> leftOut = new ArrayList<>();
  private boolean failed;

  /**
   * @param magnitude of the case's log-probs
   * @param unread fields of the case that nothing reads: why it may fail
   */
  LossComparison(
      CheckReport report, Path file, String caseName, double magnitude, List<String> unread) {
    this.report = report;
    this.file = file;
    this.caseName = caseName;
    this.tolerance = TOLERANCE * Math.max(1, magnitude / MAGNITUDE);
    this.unread = unread;
  }

  LossComparison value(String what, double expected, double got) {
    return value(what, expected, got, tolerance);
  }

  private LossComparison value(String what, double expected, double got, double within) {
    if (Double.isNaN(expected) && !Double.isNaN(got)) {
      leftOut.add(what + " (NaN in the reference)"); // Here, 0/0 and 0·(−inf) are 0.
    } else if (!failed
        && Double.compare(expected, got) != 0 // Equal infinities have no difference.
        && !(Math.abs(expected - got) <= within * Math.max(1, Math.abs(expected)))) {
      fail(what, expected, got);
    }
    return this;
  }

  /** Values of single rows, whose error grows with their own magnitude alone. */
  private LossComparison values(String what, double[] expected, double[] got) {
    if (!sameLength(what, expected, got)) {
      return this;
    }
    for (int i = 0; i < got.length; i++) {
      value(what + "[" + i + "]", expected[i], got[i], TOLERANCE);
    }
    return this;
  }

  /** Log-probs and entropies of all rows, where the case has them. */
  LossComparison statistics(JsonNode expected, LossVector.Statistics got) {
    if (expected.has("log_probs")) {
      values("log_probs", VectorFiles.numbers(expected, "log_probs"), got.logProbs());
    }
    if (expected.has("entropies")) {
      values("entropies", VectorFiles.numbers(expected, "entropies"), got.entropies());
    }
    return this;
  }

  /**
   * The gradient to the logits.
   *
   * @param terms magnitude of the terms that its elements are differences of
   */
  LossComparison gradient(double[] expected, double[] got, double terms) {
    String what = "dlogits";
    if (!sameLength(what, expected, got)) {
      return this;
    }
    double largest = terms;
    for (double value : expected) {
      largest = Math.max(largest, Math.abs(value));
    }
    for (int i = 0; i < got.length && !failed; i++) {
      if (Double.isNaN(expected[i])) {
        leftOut.add(what + " (NaN in the reference)");
        return this;
      }
      if (!(Math.abs(expected[i] - got[i]) <= tolerance * largest + FILE_ROUNDING)) {
        fail(what + "[" + i + "]", expected[i], got[i]);
      }
    }
    return this;
  }

  /**
   * Every value of an object except those in {@code elsewhere}.
   *
   * @param computed the value of a name; null: none is computed here, and the case can't pass
   */
  LossComparison named(
      JsonNode expected, Set<String> elsewhere, Function<String, @Nullable Double> computed) {
    for (Map.Entry<String, JsonNode> entry : expected.properties()) {
      String name = entry.getKey();
      if (elsewhere.contains(name)) {
        continue;
      }
      Double got = computed.apply(name);
      if (got == null) {
        leftOut.add(name);
      } else {
        value(name, VectorFiles.number(expected, name), got);
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
    report.failed(
        file,
        caseName,
        what + " = " + expected,
        what + " = " + got + (unread.isEmpty() ? "" : "; fields that are not read: " + unread));
  }

  /** Reports the case as passed unless something differed or was left out. */
  void done() {
    if (failed) {
      return;
    }
    if (leftOut.isEmpty()) {
      report.passed(file, caseName);
    } else {
      report.skipped(file, caseName, "agrees, but without " + leftOut);
    }
  }
}
