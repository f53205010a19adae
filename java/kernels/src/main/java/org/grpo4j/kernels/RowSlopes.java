package org.grpo4j.kernels;

import static org.grpo4j.kernels.Arguments.check;

import org.bytedeco.javacpp.DoublePointer;
import org.grpo4j.kernels.internal.NativeRowSlopes;
import org.jspecify.annotations.Nullable;

/** g = ∂loss/∂logProb and h = ∂loss/∂H of N rows, in native memory or a device's. */
public final class RowSlopes implements AutoCloseable {
  /** Of one row. */
  static final int BYTES = 16;

  private final NativeRowSlopes memory;
  private final long rows;
  private final @Nullable DeviceQueue queue;
  private final @Nullable DeviceMemory deviceMemory;

  private RowSlopes(long rows, @Nullable DeviceQueue queue) {
    check(
        rows >= 0 && rows <= Long.MAX_VALUE / BYTES,
        "slopes have shape [%s]: want [>= 0], and what memory can hold",
        rows);
    this.rows = rows;
    this.queue = queue;
    deviceMemory = queue == null ? null : queue.allocate(Math.max(1, rows) * BYTES);
    memory =
        deviceMemory == null
            ? NativeCalls.allocated("slopes", Math.max(1, rows), NativeRowSlopes::new)
            : new NativeRowSlopes(deviceMemory.pointer());
  }

  /** In the host's memory; the caller closes it. */
  public static RowSlopes allocate(long rows) {
    return new RowSlopes(rows, null);
  }

  /** In a device's memory, for calls on the same queue. */
  public static RowSlopes allocate(DeviceQueue queue, long rows) {
    return new RowSlopes(rows, Arguments.present("queue", queue));
  }

  public long rows() {
    return rows;
  }

  /** ∂loss/∂logProb of a row, weights included. */
  public double g(long row) {
    return entry(row).g();
  }

  /** ∂loss/∂H of a row, weights included. */
  public double h(long row) {
    return entry(row).h();
  }

  /** Sets a row's slopes, for an objective of the caller's own. */
  public void set(long row, double g, double h) {
    check(
        Double.isFinite(g) && Double.isFinite(h),
        "slopes of row %s are %s and %s: want finite numbers",
        row,
        g,
        h);
    entry(row).g(g).h(h);
  }

  private NativeRowSlopes entry(long row) {
    check(queue == null, "slopes are on a device: copy values() instead");
    check(row >= 0 && row < rows, "row is %s: want 0 to %s", row, rows - 1);
    return memory().getPointer(row);
  }

  /** The memory, 2 doubles per row, g before h: a device pointer where they are on a device. */
  public DoublePointer values() {
    DoublePointer values = new DoublePointer(memory());
    values.capacity(2 * rows).limit(2 * rows);
    return values;
  }

  /** Where the slopes are; null: host memory. */
  @Nullable DeviceQueue queue() {
    return queue;
  }

  NativeRowSlopes memory() {
    check(!memory.isNull(), "slopes were closed");
    return memory;
  }

  /** Where a row's begin, and those of the row before it end. */
  long address(long row) {
    return Struct.address(memory()) + row * BYTES;
  }

  void checkRows(String name, long n) {
    if (rows != n) {
      throw Arguments.invalid("%s has shape [%d]: want [%d], one element per row", name, rows, n);
    }
  }

  /** Releases the memory. */
  @Override
  public void close() {
    memory.close();
    if (deviceMemory != null) {
      deviceMemory.close();
    }
  }
}
