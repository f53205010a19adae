package org.grpo4j.kernels;

/**
 * A kernel could not do what was asked: rows without a distribution, an instruction set that this
 * machine does not have, a native library that is missing.
 */
public final class KernelException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final long badRows;
  private final long firstBadRow;

  KernelException(String message) {
    this(message, 0, -1);
  }

  KernelException(String message, Throwable cause) {
    super(message, cause);
    this.badRows = 0;
    this.firstBadRow = -1;
  }

  KernelException(String message, long badRows, long firstBadRow) {
    super(message);
    this.badRows = badRows;
    this.firstBadRow = firstBadRow;
  }

  /** How many rows were bad; 0 when the cause is another. */
  public long badRows() {
    return badRows;
  }

  /** Position of the first bad row among the call's rows; −1 when the cause is another. */
  public long firstBadRow() {
    return firstBadRow;
  }
}
