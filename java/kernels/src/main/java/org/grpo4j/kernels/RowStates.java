package org.grpo4j.kernels;

import static org.grpo4j.kernels.Arguments.check;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativeReport;
import org.grpo4j.kernels.internal.NativeRowState;
import org.grpo4j.kernels.internal.NativeRowStatesArgs;

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

  private RowStates(long shards, long rows) {
    this.shards = shards;
    this.rows = rows;
    this.memory = new NativeRowState(Math.max(1, Math.multiplyExact(shards, rows)));
  }

  /** For one shard. */
  public static RowStates allocate(long rows) {
    return allocate(1, rows);
  }

  /** For several shards; each is filled in by {@link #bytes} or {@link #compute}. */
  public static RowStates allocate(long shards, long rows) {
    check(shards >= 1 && rows >= 0, "states have shape [%s, %s]: want [>= 1, >= 0]", shards, rows);
    return new RowStates(shards, rows);
  }

  public long shards() {
    return shards;
  }

  public long rows() {
    return rows;
  }

  /** The memory of one shard, rows × {@link #BYTES}, to send to other ranks or to receive into. */
  public BytePointer bytes(long shard) {
    check(shard >= 0 && shard < shards, "shard is %s: want 0 to %s", shard, shards - 1);
    BytePointer bytes = new BytePointer(memory()).capacity(shards * rows * BYTES);
    return bytes.limit((shard + 1) * rows * BYTES).position(shard * rows * BYTES);
  }

  NativeRowState memory() {
    check(!memory.isNull(), "states were closed");
    return memory;
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
    Kernels.ready();
    long n = rows.check(logits, false);
    shard.checkFits(logits);
    out.checkRows("out", n);
    check(index >= 0 && index < out.shards, "index is %s: want 0 to %s", index, out.shards - 1);
    try (CallMemory<NativeRowStatesArgs, NativeReport> call = MEMORY.take()) {
      ByteBuffer in = call.in;
      logits.describeTo(in, Struct.RowStatesArgs.LOGITS);
      rows.describeTo(in, Struct.RowStatesArgs.ROWS, n);
      in.putLong(Struct.RowStatesArgs.VOCAB_BEGIN, shard.begin())
          .putLong(Struct.RowStatesArgs.VOCAB_TOTAL, shard.total())
          .putLong(Struct.RowStatesArgs.STATES, Struct.address(out.memory()) + index * n * BYTES);
      int status = Native.grpo4j_row_states(call.args, call.result);
      NativeCalls.check(status, call.out, 0, n);
      return NativeCalls.isa(call.out, 0);
    } finally {
      Reference.reachabilityFence(logits);
      Reference.reachabilityFence(rows);
      Reference.reachabilityFence(out);
    }
  }

  /** Releases the memory. */
  @Override
  public void close() {
    memory.close();
  }
}
