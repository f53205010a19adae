package org.grpo4j.kernels;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativeMergeStatesArgs;
import org.grpo4j.kernels.internal.NativeReport;

/** The statistics of whole rows from those of the shards of their vocabulary. */
public final class MergeStates {
  private static final CallMemory.Pool<NativeMergeStatesArgs, NativeReport> MEMORY =
      new CallMemory.Pool<>(
          NativeMergeStatesArgs.class,
          NativeMergeStatesArgs::new,
          NativeReport.class,
          NativeReport::new);

  private MergeStates() {}

  /**
   * Merges all shards of each row, in the order of the shards.
   *
   * @param shards [shards, N]
   * @param rows the rows that the shards were computed for: their temperatures count
   * @param merged [1, N]; may be {@code shards} where that has one shard
   * @param out [N] each
   * @throws KernelException if a row is bad in any shard, or has nothing but −∞ in all of them; the
   *     outputs of such rows are NaN, the others are right
   */
  public static void compute(
      RowStates shards, LogitRows rows, RowStates merged, RowStatistics out) {
    Call call = new Call(shards, rows, merged, out);
    if (shards.queue() == null) {
      call.onHost();
    } else {
      Isa unused = call.enqueue(shards.queue()).read();
    }
  }

  /**
   * The same for states on a device: enqueues it on their queue and returns at once. The outputs
   * are device memory.
   *
   * @throws KernelException if the device fails; bad rows show in {@link DeviceResult#read}
   */
  public static DeviceResult<Isa> enqueue(
      RowStates shards, LogitRows rows, RowStates merged, RowStatistics out) {
    return new Call(shards, rows, merged, out)
        .enqueue(NativeCalls.queueOf("shards", shards.queue()));
  }

  private record Call(RowStates shards, LogitRows rows, RowStates merged, RowStatistics out) {
    Call {
      Arguments.present("shards", shards);
      Arguments.present("rows", rows);
      Arguments.present("merged", merged);
      Arguments.present("out", out);
    }

    private void check() {
      long n = shards.rows();
      Arguments.optionalArray("temperatures", rows.temperatures(), n);
      NativeCalls.checkQueue("merged", merged.queue(), shards.queue());
      merged.checkMerged("merged", n);
      out.check(n);
      WrittenMemory written = new WrittenMemory();
      out.addTo(written);
      written.input("shards", shards.address(0), shards.address(shards.shards()));
      if (merged != shards) {
        written.output("merged", merged.address(0), merged.address(1));
      }
      written.input("temperatures", rows.temperatures());
    }

    void onHost() {
      Kernels.ready();
      check();
      try (CallMemory<NativeMergeStatesArgs, NativeReport> call = MEMORY.take()) {
        describeTo(call.in);
        int status = Native.grpo4j_merge_states(call.args, call.result);
        NativeCalls.check(status, call.out, 0, shards.rows());
      } finally {
        Reference.reachabilityFence(this);
      }
    }

    DeviceResult<Isa> enqueue(DeviceQueue queue) {
      check();
      try (DeviceSelection selected = queue.select();
          CallMemory<NativeMergeStatesArgs, NativeReport> call = MEMORY.take()) {
        describeTo(call.in);
        return queue.enqueue(
            shards.rows(),
            DeviceQueue.Reading.report(true),
            slot ->
                Native.grpo4j_device_merge_states(
                    queue.backend().code(), call.args, new NativeReport(slot), queue.stream()));
      } finally {
        Reference.reachabilityFence(this);
      }
    }

    private void describeTo(ByteBuffer in) {
      Struct.put(in, Struct.MergeStatesArgs.SHARDS, shards.memory());
      Struct.put(in, Struct.MergeStatesArgs.TEMPERATURES, rows.temperatures());
      Struct.put(in, Struct.MergeStatesArgs.MERGED, merged.memory());
      out.describeTo(in, Struct.MergeStatesArgs.OUT);
      in.putLong(Struct.MergeStatesArgs.SHARD_COUNT, shards.shards())
          .putLong(Struct.MergeStatesArgs.N, shards.rows())
          .putDouble(Struct.MergeStatesArgs.TEMPERATURE, rows.temperature())
          .putInt(Struct.MergeStatesArgs.FLAGS, 0);
    }
  }
}
