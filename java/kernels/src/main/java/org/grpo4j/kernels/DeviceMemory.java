package org.grpo4j.kernels;

import static org.grpo4j.kernels.Arguments.check;

import java.lang.ref.Reference;
import java.util.concurrent.atomic.AtomicBoolean;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.grpo4j.kernels.internal.Native;

/**
 * Memory of a device, aligned to 256 bytes. Its pointers are addresses there: they are passed to
 * operations, and never read or written in Java. Copies wait until they are done.
 */
public final class DeviceMemory implements AutoCloseable {
  private final Backend backend;
  private final long bytes;
  private final Pointer memory;
  private final AtomicBoolean closed = new AtomicBoolean();

  private DeviceMemory(Backend backend, long bytes, Pointer memory) {
    this.backend = backend;
    this.bytes = bytes;
    this.memory = memory;
  }

  static DeviceMemory allocate(Backend backend, long bytes) {
    check(bytes >= 0, "bytes is %s: want >= 0", bytes);
    Pointer memory = Native.grpo4j_device_allocate(backend.code(), Math.max(1, bytes));
    if (memory == null || memory.isNull()) {
      throw NativeCalls.deviceError(backend);
    }
    return new DeviceMemory(backend, bytes, memory);
  }

  public long bytes() {
    return bytes;
  }

  /** All of it. */
  public BytePointer pointer() {
    return view(new BytePointer(open()), 0, bytes, 1);
  }

  /** n floats from a byte on. */
  public FloatPointer floats(long firstByte, long n) {
    return view(new FloatPointer(at(firstByte)), firstByte, n, Float.BYTES);
  }

  /** n 64-bit integers from a byte on. */
  public LongPointer longs(long firstByte, long n) {
    return view(new LongPointer(at(firstByte)), firstByte, n, Long.BYTES);
  }

  /** n 32-bit integers from a byte on. */
  public IntPointer ints(long firstByte, long n) {
    return view(new IntPointer(at(firstByte)), firstByte, n, Integer.BYTES);
  }

  private Pointer at(long firstByte) {
    return new NativeCalls.Address(open().address() + firstByte);
  }

  private <P extends Pointer> P view(P pointer, long firstByte, long n, int elementBytes) {
    check(
        firstByte >= 0 && n >= 0 && n <= (bytes - firstByte) / elementBytes,
        "%s elements of %s bytes from byte %s: want at most the %s bytes of this memory",
        n,
        elementBytes,
        firstByte,
        bytes);
    pointer.capacity(n).limit(n);
    return pointer;
  }

  /** Fills the memory's first bytes with all that lies from the pointer's position to its limit. */
  public void copyIn(Pointer host) {
    Pointer device = open();
    long size = size(host);
    try {
      checkStatus(
          Native.grpo4j_device_copy_in(
              backend.code(), device, new NativeCalls.Address(Struct.address(host)), size));
    } finally {
      Reference.reachabilityFence(host);
    }
  }

  /** Fills all that lies from the pointer's position to its limit with the memory's first bytes. */
  public void copyOut(Pointer host) {
    Pointer device = open();
    long size = size(host);
    try {
      checkStatus(
          Native.grpo4j_device_copy_out(
              backend.code(), new NativeCalls.Address(Struct.address(host)), device, size));
    } finally {
      Reference.reachabilityFence(host);
    }
  }

  /** Bytes of a host pointer that this memory has room for. */
  private long size(Pointer host) {
    long size = Arguments.vector("host", host) * host.sizeof();
    check(size <= bytes, "host holds %s bytes: want at most the %s of this memory", size, bytes);
    return size;
  }

  private void checkStatus(int status) {
    if (status != Native.GRPO4J_OK) {
      throw NativeCalls.deviceError(backend);
    }
  }

  private Pointer open() {
    check(!closed.get(), "the device memory was closed");
    return memory;
  }

  /**
   * Releases it; once, whichever threads close it. Calls that use it must be done: {@link
   * DeviceQueue#synchronize} waits for them.
   */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      checkStatus(Native.grpo4j_device_free(backend.code(), memory));
    }
  }
}
