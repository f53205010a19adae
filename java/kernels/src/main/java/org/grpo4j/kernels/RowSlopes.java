package org.grpo4j.kernels;

import static org.grpo4j.kernels.Arguments.check;

import org.grpo4j.kernels.internal.NativeRowSlopes;

/** g = ∂loss/∂logProb and h = ∂loss/∂H of N rows, in native memory. */
public final class RowSlopes implements AutoCloseable {
  private final NativeRowSlopes memory;
  private final long rows;

  private RowSlopes(long rows) {
    this.rows = rows;
    this.memory = new NativeRowSlopes(Math.max(1, rows));
  }

  public static RowSlopes allocate(long rows) {
    check(rows >= 0, "slopes have shape [%s]: want [>= 0]", rows);
    return new RowSlopes(rows);
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
    check(row >= 0 && row < rows, "row is %s: want 0 to %s", row, rows - 1);
    return memory().getPointer(row);
  }

  NativeRowSlopes memory() {
    check(!memory.isNull(), "slopes were closed");
    return memory;
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
  }
}
