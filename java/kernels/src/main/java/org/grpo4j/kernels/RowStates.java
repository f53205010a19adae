package org.grpo4j.kernels;

import static org.grpo4j.kernels.Arguments.check;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.grpo4j.kernels.DeviceQueue.Scratch;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativeReport;
import org.grpo4j.kernels.internal.NativeRowState;
import org.grpo4j.kernels.internal.NativeRowStatesArgs;
import org.jspecify.annotations.Nullable;

/**
 * Mergeable statistics of N rows over one shard of the vocabulary or several: [shards, N] entries
 * of {@link #BYTES} bytes in native memory. Per row and shard the maximum, s = Σe^u, t = Σe^u·u, q
 * = Σe^2u with u = (z − max)/T, and the target's logit where the shard holds it.
 *
 * <p>Each rank fills in its shard with {@link #compute}, the ranks gather each other's {@link
 * #bytes}, {@link MergeStates} makes the rows' statistics of them, {@link Objective} the slopes,
 * and each rank its part of the gradient with {@link LogitsGradient}. The result equals {@link
 * PolicyLoss} within rounding.
 */
public final class RowStates implements AutoCloseable {
  /** Of one row and shard. */
  public static final int BYTES = 40;

  private static final CallMemory.Pool<NativeRowStatesArgs, NativeReport> MEMORY =
      new CallMemory.Pool<>(
          NativeRowStatesArgs.class,
          NativeRowStatesArgs::new,
          NativeReport.class,
          NativeReport::new);

  private final NativeRowState memory;
  private final long shards;
  private final long rows;
  private final @Nullable DeviceQueue queue;
  private final @Nullable DeviceMemory deviceMemory;

  private RowStates(long shards, long rows, @Nullable DeviceQueue queue) {
    check(
        shards >= 1 && rows >= 0 && rows <= Long.MAX_VALUE / BYTES / shards,
        "states have shape [%s, %s]: want [>= 1, >= 0], and what memory can hold",
        shards,
        rows);
    this.shards = shards;
    this.rows = rows;
    this.queue = queue;
    long count = Math.max(1, shards * rows);
    deviceMemory = queue == null ? null : queue.allocate(count * BYTES);
    memory =
        deviceMemory == null
            ? NativeCalls.allocated("states", count, NativeRowState::new)
            : new NativeRowState(deviceMemory.pointer());
  }

  /** For one shard. */
  public static RowStates allocate(long rows) {
    return allocate(1, rows);
  }

  /** For several shards; each is filled in by {@link #bytes} or {@link #compute}. */
  public static RowStates allocate(long shards, long rows) {
    return new RowStates(shards, rows, null);
  }

  /** In a device's memory, for logits on the same queue. */
  public static RowStates allocate(DeviceQueue queue, long shards, long rows) {
    return new RowStates(shards, rows, Arguments.present("queue", queue));
  }

  public long shards() {
    return shards;
  }

  public long rows() {
    return rows;
  }

  /**
   * The memory of one shard, rows × {@link #BYTES}, to send to other ranks or to receive into: a
   * device pointer where the states are on a device.
   */
  public BytePointer bytes(long shard) {
    check(shard >= 0 && shard < shards, "shard is %s: want 0 to %s", shard, shards - 1);
    BytePointer bytes = new BytePointer(memory()).capacity(shards * rows * BYTES);
    return bytes.limit((shard + 1) * rows * BYTES).position(shard * rows * BYTES);
  }

  /** Where the states are; null: host memory. */
  @Nullable DeviceQueue queue() {
    return queue;
  }

  NativeRowState memory() {
    check(!memory.isNull(), "states were closed");
    return memory;
  }

  /** Where a shard begins, and the one before it ends. */
  long address(long shard) {
    return Struct.address(memory()) + shard * rows * BYTES;
  }

  /** Checks for [1, n]: what {@link MergeStates} makes of several shards. */
  void checkMerged(String name, long n) {
    if (rows != n || shards != 1) {
      throw Arguments.invalid(
          "%s has shape [%d, %d]: want [1, %d]%s",
          name, shards, rows, n, shards == 1 ? "" : ", merged by MergeStates");
    }
  }

  /** Checks for rows of another count. */
  void checkRows(String name, long n) {
    if (rows != n) {
      throw Arguments.invalid(
          "%s has shape [%d, %d]: want [%d, %d]", name, shards, rows, shards, n);
    }
  }

  /**
   * Statistics of the rows over one shard, one read of its logits. A bad row is no error here but
   * where the shards are merged: every rank comes to the same decision then.
   *
   * @param logits [rows, vocabulary of the shard]
   * @param rows N rows in any order; their targets count from the start of the whole vocabulary
   * @param out [.., N]
   * @param index which shard of {@code out} is written
   * @return the instruction set that ran
   * @throws IllegalArgumentException if an argument is null, closed or of the wrong shape
   */
  public static Isa compute(
      Logits logits, LogitRows rows, VocabShard shard, RowStates out, long index) {
    Call call = new Call(logits, rows, shard, out, index);
    return logits.queue() == null ? call.onHost() : call.enqueue(logits.queue()).read();
  }

  /**
   * The same for logits on a device, with states on their queue: enqueues it and returns at once.
   *
   * @throws KernelException if the device fails
   */
  public static DeviceResult<Isa> enqueue(
      Logits logits, LogitRows rows, VocabShard shard, RowStates out, long index) {
    return new Call(logits, rows, shard, out, index)
        .enqueue(NativeCalls.queueOf("logits", logits.queue()));
  }

  private record Call(Logits logits, LogitRows rows, VocabShard shard, RowStates out, long index) {
    Call {
      Arguments.present("logits", logits);
      Arguments.present("rows", rows);
      Arguments.present("shard", shard);
      Arguments.present("out", out);
    }

    /** Checks everything and gives N. */
    long checked() {
      long n = rows.check(logits, false);
      shard.checkFits(logits);
      NativeCalls.checkQueue("out", out.queue, logits.queue());
      out.checkRows("out", n);
      check(index >= 0 && index < out.shards, "index is %s: want 0 to %s", index, out.shards - 1);
      WrittenMemory written = new WrittenMemory();
      written.output("out", out.address(index), out.address(index + 1));
      written.input("logits", logits);
      rows.checkApart(written);
      return n;
    }

    Isa onHost() {
      Kernels.ready();
      long n = checked();
      try (CallMemory<NativeRowStatesArgs, NativeReport> call = MEMORY.take()) {
        describeTo(call.in, n);
        int status = Native.grpo4j_row_states(call.args, call.result);
        NativeCalls.check(status, call.out, 0, n);
        return NativeCalls.isa(call.out, 0);
      } finally {
        Reference.reachabilityFence(this);
      }
    }

    DeviceResult<Isa> enqueue(DeviceQueue queue) {
      long n = checked();
      int backend = queue.backend().code();
      try (DeviceSelection selected = queue.select();
          CallMemory<NativeRowStatesArgs, NativeReport> call = MEMORY.take()) {
        describeTo(call.in, n);
        long bytes = Native.grpo4j_device_row_states_workspace(backend, call.args);
        Pointer workspace = queue.scratch(Scratch.WORKSPACE, bytes);
        return queue.enqueue(
            n,
            DeviceQueue.Reading.report(false),
            slot ->
                Native.grpo4j_device_row_states(
                    backend, call.args, new NativeReport(slot), workspace, bytes, queue.stream()));
      } finally {
        Reference.reachabilityFence(this);
      }
    }

    private void describeTo(ByteBuffer in, long n) {
      logits.describeTo(in, Struct.RowStatesArgs.LOGITS);
      rows.describeTo(in, Struct.RowStatesArgs.ROWS, n);
      in.putLong(Struct.RowStatesArgs.VOCAB_BEGIN, shard.begin())
          .putLong(Struct.RowStatesArgs.VOCAB_TOTAL, shard.total())
          .putLong(Struct.RowStatesArgs.STATES, out.address(index));
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
