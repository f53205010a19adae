package org.grpo4j.kernels;

import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativeReport;
import org.jspecify.annotations.Nullable;

/** What the operations have in common around their native call. */
final class NativeCalls {
  private NativeCalls() {}

  /** Checks the rows listed: in range and, where a row may be overwritten, strictly increasing. */
  static void checkRows(Logits logits, @Nullable LongPointer rowIndices, boolean increasing) {
    if (rowIndices == null) {
      return;
    }
    long n = Arguments.remaining(rowIndices);
    if (n > 0 && rowIndices.isNull()) {
      throw Arguments.invalid("rowIndices is closed: want [%d]", n);
    }
    long previous = -1;
    for (long i = 0; i < n; i++) {
      long row = rowIndices.get(i);
      if (row < 0 || row >= logits.rows()) {
        throw Arguments.invalid(
            "rowIndices[%d] is %d: want a row of logits %s", i, row, logits.describe());
      }
      if (increasing && row <= previous) {
        throw Arguments.invalid(
            "rowIndices[%d] is %d after %d: want strictly increasing rows", i, row, previous);
      }
      previous = row;
    }
  }

  static void checkGradient(Logits logits, Logits gradient, boolean accumulate) {
    if (!logits.sameShape(gradient)) {
      throw Arguments.invalid(
          "gradient has shape %s: want that of the logits, %s",
          gradient.describe(), logits.describe());
    }
    if (accumulate && logits.rows() > 0 && logits.sameMemory(gradient)) {
      throw Arguments.invalid(
          "gradient is the logits' memory: want memory of its own, it is added to");
    }
    if (!logits.sameOrDisjoint(gradient)) {
      throw Arguments.invalid(
          "gradient overlaps the logits: want the same memory and row stride, or none in common");
    }
  }

  /** Turns a status into an exception. */
  static void check(int status, NativeReport report, long n) {
    switch (status) {
      case Native.GRPO4J_OK -> {}
      case Native.GRPO4J_BAD_ROWS ->
          throw new KernelException(
              String.format(
                  "%d of %d rows can't be computed; the first is row %d: %s",
                  report.bad_rows(), n, report.first_bad_row(), reason(report.first_bad_reason())),
              report.bad_rows(),
              report.first_bad_row());
      case Native.GRPO4J_ISA_UNAVAILABLE -> throw Kernels.environmentIsaUnavailable();
      default ->
          // Everything the library rejects is checked in Java before, with the argument's name.
          throw new KernelException(
              "the native library rejected the arguments (status " + status + ")");
    }
  }

  private static String reason(int code) {
    return switch (code) {
      case Native.GRPO4J_ROW_NOT_FINITE -> "a NaN or +infinity among its logits";
      case Native.GRPO4J_ROW_ALL_MINUS_INF -> "all its logits are -infinity";
      case Native.GRPO4J_ROW_TARGET_OUT_OF_RANGE -> "its target is outside the vocabulary";
      case Native.GRPO4J_ROW_TEMPERATURE -> "its temperature is not a positive number";
      case Native.GRPO4J_ROW_COEFFICIENT ->
          "its log-probs, advantage or weights give a loss or a slope that is not finite";
      default -> "unknown reason " + code;
    };
  }

  /** A bare address: a void* field takes a pointer's position as bytes, whatever its type. */
  static final class Address extends Pointer {
    static Address of(Pointer pointer) {
      return new Address(pointer.address() + pointer.position() * pointer.sizeof());
    }

    Address(long address) {
      this.address = address;
    }
  }
}
