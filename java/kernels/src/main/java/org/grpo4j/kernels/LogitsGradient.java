package org.grpo4j.kernels;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativeLogitsGradientArgs;
import org.grpo4j.kernels.internal.NativeReport;

/** The gradient to the logits, or to a shard of them: the last part of {@link PolicyLoss}. */
public final class LogitsGradient {
  private static final CallMemory.Pool<NativeLogitsGradientArgs, NativeReport> MEMORY =
      new CallMemory.Pool<>(
          NativeLogitsGradientArgs.class,
          NativeLogitsGradientArgs::new,
          NativeReport.class,
          NativeReport::new);

  private LogitsGradient() {}

  /**
   * dz_v = (1/T)·[g·(1[v = y] − p_v) − h·p_v·(log p_v + H)], with p and H from the merged states.
   * Rows of slopes 0, and bad rows, are not read; their gradient is 0.
   *
   * @param logits [rows, vocabulary of the shard]
   * @param rows N rows, strictly increasing
   * @param shard which part of the vocabulary the logits are
   * @param states [1, N] merged over all shards
   * @param slopes [N]
   * @param gradient of the logits' shape and dtype: the same memory (in place) or disjoint
   * @return the instruction set that ran
   */
  public static Isa compute(
      Logits logits,
      LogitRows rows,
      VocabShard shard,
      RowStates states,
      RowSlopes slopes,
      Logits gradient) {
    return new Call(logits, rows, shard, gradient, 0).compute(states, slopes);
  }

  /**
   * The same for logits on a device, with states and slopes on their queue: enqueues it and returns
   * at once.
   *
   * @throws KernelException if the device fails
   */
  public static DeviceResult<Isa> enqueue(
      Logits logits,
      LogitRows rows,
      VocabShard shard,
      RowStates states,
      RowSlopes slopes,
      Logits gradient) {
    return new Call(logits, rows, shard, gradient, 0)
        .enqueue(NativeCalls.queueOf("logits", logits.queue()), states, slopes);
  }

  /**
   * The same, added to what the gradient's memory holds, which is not the logits'. Rows of slopes 0
   * and bad rows stay as they are.
   */
  public static Isa accumulate(
      Logits logits,
      LogitRows rows,
      VocabShard shard,
      RowStates states,
      RowSlopes slopes,
      Logits gradient) {
    return new Call(logits, rows, shard, gradient, Native.GRPO4J_ACCUMULATE)
        .compute(states, slopes);
  }

  private record Call(Logits logits, LogitRows rows, VocabShard shard, Logits gradient, int flags) {
    Call {
      Arguments.present("logits", logits);
      Arguments.present("rows", rows);
      Arguments.present("shard", shard);
      Arguments.present("gradient", gradient);
    }

    /** Checks everything and gives N. */
    private long check(RowStates states, RowSlopes slopes) {
      Arguments.present("states", states);
      Arguments.present("slopes", slopes);
      long n = rows.check(logits, true);
      shard.checkFits(logits);
      NativeCalls.checkQueue("states", states.queue(), logits.queue());
      NativeCalls.checkQueue("slopes", slopes.queue(), logits.queue());
      states.checkMerged("states", n);
      slopes.checkRows("slopes", n);
      NativeCalls.checkGradient(logits, gradient, flags == Native.GRPO4J_ACCUMULATE);
      WrittenMemory written = new WrittenMemory();
      written.output("gradient", gradient);
      rows.checkApart(written);
      written.input("states", states.address(0), states.address(1));
      written.input("slopes", slopes.address(0), slopes.address(n));
      return n;
    }

    Isa compute(RowStates states, RowSlopes slopes) {
      if (logits.queue() != null) {
        return enqueue(logits.queue(), states, slopes).read();
      }
      Kernels.ready();
      long n = check(states, slopes);
      try (CallMemory<NativeLogitsGradientArgs, NativeReport> call = MEMORY.take()) {
        describeTo(call.in, n, states, slopes);
        int status = Native.grpo4j_logits_gradient(call.args, call.result);
        NativeCalls.check(status, call.out, 0, n);
        if (NativeCalls.hasBadRows(call.out, 0)) {
          throw NativeCalls.badRows(call.out, 0, n);
        }
        return NativeCalls.isa(call.out, 0);
      } finally {
        Reference.reachabilityFence(this);
        Reference.reachabilityFence(states);
        Reference.reachabilityFence(slopes);
      }
    }

    DeviceResult<Isa> enqueue(DeviceQueue queue, RowStates states, RowSlopes slopes) {
      long n = check(states, slopes);
      try (DeviceSelection selected = queue.select();
          CallMemory<NativeLogitsGradientArgs, NativeReport> call = MEMORY.take()) {
        describeTo(call.in, n, states, slopes);
        return queue.enqueue(
            n,
            DeviceQueue.Reading.report(true),
            slot ->
                Native.grpo4j_device_logits_gradient(
                    queue.backend().code(), call.args, new NativeReport(slot), queue.stream()));
      } finally {
        Reference.reachabilityFence(this);
        Reference.reachabilityFence(states);
        Reference.reachabilityFence(slopes);
      }
    }

    private void describeTo(ByteBuffer in, long n, RowStates states, RowSlopes slopes) {
      logits.describeTo(in, Struct.LogitsGradientArgs.LOGITS);
      gradient.describeTo(in, Struct.LogitsGradientArgs.GRADIENT);
      rows.describeTo(in, Struct.LogitsGradientArgs.ROWS, n);
      Struct.put(in, Struct.LogitsGradientArgs.STATES, states.memory());
      Struct.put(in, Struct.LogitsGradientArgs.SLOPES, slopes.memory());
      in.putLong(Struct.LogitsGradientArgs.VOCAB_BEGIN, shard.begin())
          .putLong(Struct.LogitsGradientArgs.VOCAB_TOTAL, shard.total())
          .putInt(Struct.LogitsGradientArgs.FLAGS, flags);
    }
  }
}
