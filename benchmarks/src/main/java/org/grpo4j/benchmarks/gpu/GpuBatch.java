package org.grpo4j.benchmarks.gpu;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.grpo4j.kernels.Backend;
import org.grpo4j.kernels.DType;
import org.grpo4j.kernels.DeviceMemory;
import org.grpo4j.kernels.DeviceQueue;
import org.grpo4j.kernels.DeviceResult;
import org.grpo4j.kernels.Isa;
import org.grpo4j.kernels.LogitRows;
import org.grpo4j.kernels.Logits;
import org.grpo4j.kernels.PolicyBatch;
import org.grpo4j.kernels.PolicyLoss;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.kernels.RowStatistics;
import org.grpo4j.kernels.TokenStats;

/**
 * Logits and what belongs to them in device memory: so many copies of the logits, taken in turn,
 * that none is left in the second-level cache when its turn comes. Out of place, so that every call
 * sees logits and no call a gradient.
 */
final class GpuBatch implements AutoCloseable {
  /** Buffers together, in sizes of the second-level cache. */
  private static final long CACHES = 4;

  /** No row is clipped: a clipped row's gradient is 0, and its time another's. */
  private static final double BOUND = 1e6;

  private final DType dtype;
  private final long rows;
  private final long vocab;
  private final DeviceQueue queue;
  private final List<DeviceMemory> buffers = new ArrayList<>();
  private final DeviceMemory gradient;
  private final List<DeviceMemory> others = new ArrayList<>();
  private final PolicyBatch batch;
  private final RowStatistics out;
  private final PolicyLossConfig config =
      PolicyLossConfig.builder().clipLow(BOUND).clipHigh(BOUND).build();
  private int turn;

  GpuBatch(CudaDevice device, DType dtype, long rows, long vocab) {
    this.dtype = dtype;
    this.rows = rows;
    this.vocab = vocab;
    queue = DeviceQueue.on(Backend.CUDA, device.stream());
    Random random = new Random(1);
    try (BytePointer host = logits(random)) {
      long count = Math.max(2, CACHES * device.levelTwoCacheBytes() / bytes() + 1);
      for (long k = 0; k < count; k++) {
        buffers.add(copy(host));
      }
    }
    gradient = queue.allocate(bytes());
    LongPointer targets = new LongPointer(rows);
    FloatPointer weights = new FloatPointer(rows);
    FloatPointer advantages = new FloatPointer(rows);
    FloatPointer old = new FloatPointer(rows);
    for (long i = 0; i < rows; i++) {
      targets.put(i, random.nextInt((int) vocab));
      weights.put(i, 1f / rows);
      advantages.put(i, (float) random.nextGaussian());
      old.put(i, -12f);
    }
    FloatPointer w = floats(weights);
    batch =
        new PolicyBatch(
            keep(copy(targets)).longs(0, rows), floats(old), null, floats(advantages), w, w, null);
    out = new RowStatistics(floats(old), floats(old), null, null);
  }

  /** Normal logits, one row's noise shifted for each row: filling gigabytes from Random is slow. */
  private BytePointer logits(Random random) {
    BytePointer all = new BytePointer(bytes());
    BytePointer row = new BytePointer(2 * vocab * dtype.bytes());
    for (long v = 0; v < 2 * vocab; v++) {
      int bits = Float.floatToRawIntBits((float) (3 * random.nextGaussian()));
      if (dtype == DType.F32) {
        row.putInt(4 * v, bits);
      } else {
        row.putShort(2 * v, (short) (bits >>> 16));
      }
    }
    long rowBytes = vocab * dtype.bytes();
    for (long i = 0; i < rows; i++) {
      long shift = i % vocab * dtype.bytes();
      Pointer.memcpy(
          new BytePointer(all).position(i * rowBytes),
          new BytePointer(row).position(shift),
          rowBytes);
    }
    row.close();
    return all;
  }

  private DeviceMemory copy(Pointer host) {
    DeviceMemory memory =
        queue.allocate((host.limit() - host.position()) * Math.max(1, host.sizeof()));
    memory.copyIn(host);
    return memory;
  }

  private DeviceMemory keep(DeviceMemory memory) {
    others.add(memory);
    return memory;
  }

  private FloatPointer floats(FloatPointer host) {
    return keep(copy(host)).floats(0, rows);
  }

  /** Of the logits. */
  long bytes() {
    return rows * vocab * dtype.bytes();
  }

  private DeviceMemory next() {
    turn = (turn + 1) % buffers.size();
    return buffers.get(turn);
  }

  private Logits view(DeviceMemory memory) {
    return Logits.onDevice(queue, memory.pointer(), dtype, rows, vocab, vocab);
  }

  DeviceResult<Isa> tokenStats() {
    return TokenStats.enqueue(view(next()), LogitRows.all(batch.targets(), 1), out);
  }

  DeviceResult<PolicyLossMetrics> policyLoss() {
    return PolicyLoss.enqueue(view(next()), batch, config, out, view(gradient));
  }

  /** Gives the bytes that are copied. */
  long copy(CudaDevice device) {
    device.copy(gradient.pointer(), next().pointer(), bytes());
    return bytes();
  }

  @Override
  public void close() {
    queue.close();
    buffers.forEach(DeviceMemory::close);
    others.forEach(DeviceMemory::close);
    gradient.close();
  }
}
