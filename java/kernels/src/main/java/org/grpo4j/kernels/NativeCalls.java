package org.grpo4j.kernels;

import java.nio.ByteBuffer;
import java.util.function.LongFunction;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.grpo4j.kernels.internal.Native;
import org.jspecify.annotations.Nullable;

/** What the operations have in common around their native call. */
final class NativeCalls {
  private NativeCalls() {}

  /**
   * Checks the rows listed: in range and, where a row may be overwritten, strictly increasing. On a
   * device the kernels check them.
   */
  static void checkRows(Logits logits, @Nullable LongPointer rowIndices, boolean increasing) {
    if (rowIndices == null) {
      return;
    }
    long n = Arguments.remaining("rowIndices", rowIndices);
    if (n > 0 && rowIndices.isNull()) {
      throw Arguments.invalid("rowIndices is closed: want [%d]", n);
    }
    if (logits.queue() != null) {
      return;
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

  /** Native memory of so many structures; what the glue throws when there is none says nothing. */
  static <P extends Pointer> P allocated(String name, long count, LongFunction<P> allocate) {
    try {
      return allocate.apply(count);
    } catch (RuntimeException e) {
      OutOfMemoryError error =
          new OutOfMemoryError("no memory for " + name + " of " + count + " rows and shards");
      error.initCause(e);
      throw error;
    }
  }

  static void checkGradient(Logits logits, Logits gradient, boolean accumulate) {
    checkQueue("gradient", gradient.queue(), logits.queue());
    if (!logits.sameShape(gradient)) {
      throw Arguments.invalid(
          "gradient has shape %s: want that of the logits, %s",
          gradient.describe(), logits.describe());
    }
    if (!gradient.writable()) {
      throw Arguments.invalid(
          "gradient is a read-only buffer: want %s that can be written", gradient.describe());
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

  /** An argument must lie where the call runs. */
  static void checkQueue(String name, @Nullable DeviceQueue given, @Nullable DeviceQueue wanted) {
    if (given != wanted) {
      throw Arguments.invalid(
          "%s is %s: want %s, where the call runs", name, describe(given), describe(wanted));
    }
  }

  private static String describe(@Nullable DeviceQueue queue) {
    return queue == null ? "in host memory" : "on a queue of backend " + queue.backend();
  }

  /** The queue of an argument of {@code enqueue}. */
  static DeviceQueue queueOf(String name, @Nullable DeviceQueue queue) {
    if (queue == null) {
      throw Arguments.invalid("%s are in host memory: want them on a device, or compute()", name);
    }
    queue.checkOpen();
    return queue;
  }

  /** The ISA named by a report that lies in a buffer. */
  static Isa isa(ByteBuffer results, int report) {
    return Isa.of(results.getInt(report + Struct.Report.ISA));
  }

  /** Turns the status of a call on host memory into an exception; the report lies in a buffer. */
  static void check(int status, ByteBuffer results, int report, long n) {
    switch (status) {
      case Native.GRPO4J_OK -> {}
      case Native.GRPO4J_BAD_ROWS -> throw badRows(results, report, n);
      case Native.GRPO4J_ISA_UNAVAILABLE -> throw Kernels.environmentIsaUnavailable();
      default -> check(status);
    }
  }

  /** The same for operations without a report. */
  static void check(int status) {
    switch (status) {
      case Native.GRPO4J_OK -> {}
      case Native.GRPO4J_DEVICE_ERROR -> throw deviceError(Kernels.backend());
      default ->
          // Everything the library rejects is checked in Java before, with the argument's name.
          throw new KernelException(
              "the native library rejected the arguments (status " + status + ")");
    }
  }

  /** What the backend's runtime said about this thread's last call. */
  static KernelException deviceError(Backend backend) {
    BytePointer said = Native.grpo4j_device_last_error(backend.code());
    String cause = said == null || said.isNull() ? "the device failed" : said.getString();
    return new KernelException("backend " + backend + ": " + cause);
  }

  /** Why the thread's current device can't run the kernels; "" when it can. */
  static String unavailableReason(Backend backend) {
    BytePointer said = Native.grpo4j_device_unavailable_reason(backend.code());
    return said == null || said.isNull() ? "" : said.getString();
  }

  static boolean hasBadRows(ByteBuffer results, int report) {
    return results.getLong(report + Struct.Report.BAD_ROWS) > 0;
  }

  static KernelException badRows(ByteBuffer results, int report, long n) {
    long count = results.getLong(report + Struct.Report.BAD_ROWS);
    long first = results.getLong(report + Struct.Report.FIRST_BAD_ROW);
    return new KernelException(
        String.format(
            "%d of %d rows can't be computed; the first is row %d: %s",
            count, n, first, reason(results.getInt(report + Struct.Report.FIRST_BAD_REASON))),
        count,
        first);
  }

  private static String reason(int code) {
    return switch (code) {
      case Native.GRPO4J_ROW_NOT_FINITE -> "a NaN or +infinity among its logits";
      case Native.GRPO4J_ROW_ALL_MINUS_INF -> "all its logits are -infinity";
      case Native.GRPO4J_ROW_TARGET_OUT_OF_RANGE -> "its target is outside the vocabulary";
      case Native.GRPO4J_ROW_TEMPERATURE -> "its temperature is not within 1e-12 to 1e12";
      case Native.GRPO4J_ROW_INDEX ->
          "rowIndices names no row of the logits there, or does not rise";
      case Native.GRPO4J_ROW_SEQUENCE -> "sequenceOffsets do not rise from 0 to the rows' number";
      case Native.GRPO4J_ROW_COEFFICIENT ->
          "its log-probs, advantage or weights give a loss or a slope that is not finite";
      default -> "unknown reason " + code;
    };
  }

  /** A bare address: a void* field takes a pointer's position as bytes, whatever its type. */
  static final class Address extends Pointer {
    Address(long address) {
      this.address = address;
    }
  }
}
