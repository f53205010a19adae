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
    Kernels.ready();
    long n = shards.rows();
    Arguments.optionalArray("temperatures", rows.temperatures(), n);
    merged.checkRows("merged", n);
    out.check(n);
    try (CallMemory<NativeMergeStatesArgs, NativeReport> call = MEMORY.take()) {
      ByteBuffer in = call.in;
      Struct.put(in, Struct.MergeStatesArgs.SHARDS, shards.memory());
      Struct.put(in, Struct.MergeStatesArgs.TEMPERATURES, rows.temperatures());
      Struct.put(in, Struct.MergeStatesArgs.MERGED, merged.memory());
      out.describeTo(in, Struct.MergeStatesArgs.OUT);
      in.putLong(Struct.MergeStatesArgs.SHARD_COUNT, shards.shards())
          .putLong(Struct.MergeStatesArgs.N, n)
          .putDouble(Struct.MergeStatesArgs.TEMPERATURE, rows.temperature())
          .putInt(Struct.MergeStatesArgs.FLAGS, 0);
      int status = Native.grpo4j_merge_states(call.args, call.result);
      NativeCalls.check(status, call.out, 0, n);
    } finally {
      Reference.reachabilityFence(shards);
      Reference.reachabilityFence(rows);
      Reference.reachabilityFence(merged);
      Reference.reachabilityFence(out);
    }
  }
}
