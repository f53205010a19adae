package org.grpo4j.kernels;

import java.lang.ref.Reference;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativeMergeStatesArgs;
import org.grpo4j.kernels.internal.NativeReport;

/** The statistics of whole rows from those of the shards of their vocabulary. */
public final class MergeStates {
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
    try (NativeMergeStatesArgs args = new NativeMergeStatesArgs();
        NativeReport report = new NativeReport()) {
      args.shards(shards.memory())
          .shard_count(shards.shards())
          .n(n)
          .temperature(rows.temperature())
          .temperatures(rows.temperatures())
          .merged(merged.memory())
          .flags(0);
      out.describeTo(args.out());
      NativeCalls.check(Native.grpo4j_merge_states(args, report), report, n);
    } finally {
      Reference.reachabilityFence(shards);
      Reference.reachabilityFence(rows);
      Reference.reachabilityFence(merged);
      Reference.reachabilityFence(out);
    }
  }
}
