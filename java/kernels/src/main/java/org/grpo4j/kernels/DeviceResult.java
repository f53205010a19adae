package org.grpo4j.kernels;

import java.nio.ByteBuffer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * What an enqueued call will have found, kept on the device until it is asked for. A result that is
 * never read keeps 256 bytes until its queue is closed.
 *
 * @param <R> {@link PolicyLossMetrics}, or the {@link Isa} that ran
 */
public final class DeviceResult<R> {
  private final DeviceQueue queue;
  private final DeviceQueue.Reading<R> reading;
  private final long rows;
  private @Nullable Pointer slot;
  private @Nullable R value;
  private @Nullable KernelException problem;

  DeviceResult(DeviceQueue queue, Pointer slot, DeviceQueue.Reading<R> reading, long rows) {
    this.queue = queue;
    this.slot = slot;
    this.reading = reading;
    this.rows = rows;
  }

  /**
   * Waits for the queue and gives the result; again the same one when called again.
   *
   * @throws KernelException if rows are bad and the call was not told to zero them, or the device
   *     failed
   */
  public R read() {
    Pointer from = slot;
    if (from != null) {
      ByteBuffer bytes = queue.readSlot(from, reading.bytes());
      if (reading.badRowsAreErrors() && NativeCalls.hasBadRows(bytes, reading.report())) {
        problem = NativeCalls.badRows(bytes, reading.report(), rows);
      } else {
        value = reading.parse().apply(bytes);
      }
      queue.giveBackSlot(from);
      slot = null;
    }
    R result = value;
    if (result == null) {
      throw problem != null ? problem : new KernelException("the device left no result");
    }
    return result;
  }
}
