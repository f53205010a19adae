package org.grpo4j.kernels;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/** A fixture's batch in a device's memory. */
final class DeviceFixture implements AutoCloseable {
  private final Fixture f;
  private final DeviceQueue queue;
  private final List<DeviceMemory> owned = new ArrayList<>();
  private final DeviceMemory logitsMemory;
  private final DeviceMemory gradientMemory;
  private final DeviceMemory statistics;

  DeviceFixture(Fixture f, DeviceQueue queue) {
    this.f = f;
    this.queue = queue;
    logitsMemory = copy(f.logitsMemory());
    gradientMemory = copy(f.gradientMemory());
    statistics = own(queue.allocate(4L * Float.BYTES * f.rows));
  }

  private DeviceMemory own(DeviceMemory memory) {
    owned.add(memory);
    return memory;
  }

  private DeviceMemory copy(Pointer host) {
    DeviceMemory memory =
        own(queue.allocate(Arguments.remaining("host", host) * Math.max(1, host.sizeof())));
    memory.copyIn(host);
    return memory;
  }

  Logits logits() {
    return logits(0, f.vocab);
  }

  Logits gradient() {
    return gradient(0, f.vocab);
  }

  Logits logits(int firstColumn, int columns) {
    return view(logitsMemory, firstColumn, columns);
  }

  Logits gradient(int firstColumn, int columns) {
    return view(gradientMemory, firstColumn, columns);
  }

  private Logits view(DeviceMemory memory, int firstColumn, int columns) {
    DType dtype = f.layout.dtype();
    BytePointer all = memory.pointer();
    Pointer start = all.position((long) (f.layout.offset() + firstColumn) * dtype.bytes());
    return Logits.onDevice(
        queue, start, dtype, f.rows, columns, (long) f.vocab + f.layout.padding());
  }

  PolicyBatch batch() {
    return batch(f.batch());
  }

  PolicyBatch batch(PolicyBatch host) {
    return new PolicyBatch(
        integers(host.targets()),
        floats(host.oldLogProbs()),
        floats(host.refLogProbs()),
        wanted(host.advantages()),
        wanted(host.policyWeights()),
        wanted(host.regularizerWeights()),
        longs(host.rowIndices()),
        longs(host.sequenceOffsets()),
        host.advantagesPerSequence(),
        floats(host.temperatures()));
  }

  Pointer integers(Pointer host) {
    return host instanceof IntPointer
        ? copy(host).ints(0, Arguments.remaining("host", host))
        : copy(host).longs(0, Arguments.remaining("host", host));
  }

  @Nullable LongPointer longs(@Nullable LongPointer host) {
    return host == null ? null : copy(host).longs(0, Arguments.remaining("host", host));
  }

  @Nullable FloatPointer floats(@Nullable FloatPointer host) {
    return host == null ? null : wanted(host);
  }

  FloatPointer wanted(FloatPointer host) {
    return copy(host).floats(0, Arguments.remaining("host", host));
  }

  /** The device's outputs: [4, rows]. */
  RowStatistics out() {
    long bytes = (long) Float.BYTES * f.rows;
    return new RowStatistics(
        statistics.floats(0, f.rows),
        statistics.floats(bytes, f.rows),
        statistics.floats(2 * bytes, f.rows),
        statistics.floats(3 * bytes, f.rows));
  }

  /** Copies gradient, logits and outputs back to the fixture's memory and to host outputs. */
  void readInto(RowStatistics host) {
    gradientMemory.copyOut(f.gradientMemory());
    logitsMemory.copyOut(f.logitsMemory());
    FloatPointer all = new FloatPointer(4L * f.rows);
    statistics.copyOut(all);
    FloatPointer[] parts = {host.logProbs(), host.entropy(), host.lse(), host.sumSquares()};
    for (int part = 0; part < parts.length; part++) {
      for (int i = 0; i < f.rows; i++) {
        parts[part].put(i, all.get((long) part * f.rows + i));
      }
    }
  }

  @Override
  public void close() {
    owned.forEach(DeviceMemory::close);
  }
}
