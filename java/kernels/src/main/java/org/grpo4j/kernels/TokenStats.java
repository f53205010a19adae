package org.grpo4j.kernels;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.grpo4j.kernels.DeviceQueue.Scratch;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativeReport;
import org.grpo4j.kernels.internal.NativeTokenStatsArgs;
import org.jspecify.annotations.Nullable;

/** Log-prob of the target, entropy, lse and Σp² of each row, forward only, one read of the row. */
public final class TokenStats {
  private static final CallMemory.Pool<NativeTokenStatsArgs, NativeReport> MEMORY =
      new CallMemory.Pool<>(
          NativeTokenStatsArgs.class,
          NativeTokenStatsArgs::new,
          NativeReport.class,
          NativeReport::new);

  private TokenStats() {}

  /**
   * Fills {@code out} for the rows given.
   *
   * @param logits [rows, vocab]
   * @param rows N rows in any order
   * @param out [N] each
   * @return the instruction set that ran
   * @throws IllegalArgumentException if an argument is null, closed or of the wrong shape
   * @throws KernelException if a row has a NaN, +∞ or nothing but −∞ among its logits, a target
   *     outside the vocabulary or an unusable temperature; the outputs of such rows are NaN, the
   *     others are right
   */
  public static Isa compute(Logits logits, LogitRows rows, RowStatistics out) {
    check(logits, rows, out);
    return compute(logits, rows, new Outputs(out));
  }

  /**
   * The same for logits on a device: enqueues it on their queue and returns at once. All pointers
   * are device memory, and must stay until the call is done.
   *
   * @throws KernelException if the device fails; bad rows show in {@link DeviceResult#read}
   */
  public static DeviceResult<Isa> enqueue(Logits logits, LogitRows rows, RowStatistics out) {
    DeviceQueue queue = NativeCalls.queueOf("logits", Arguments.present("logits", logits).queue());
    check(logits, rows, out);
    return enqueue(queue, logits, rows, new Outputs(out));
  }

  /**
   * The same with the rows' parts one by one.
   *
   * @param targets [N], in [0, vocab): a LongPointer or an IntPointer
   * @param rowIndices [N] rows of the logits in any order; null: all rows, N = rows
   */
  public static Isa compute(
      Logits logits,
      Pointer targets,
      @Nullable LongPointer rowIndices,
      double temperature,
      RowStatistics out) {
    return compute(logits, new LogitRows(targets, rowIndices, temperature, null), out);
  }

  /**
   * Log-probs alone, for old and reference policies: less arithmetic, the same read.
   *
   * @param logProbs [N]
   * @see #compute(Logits, LogitRows, RowStatistics)
   */
  public static Isa logProbs(Logits logits, LogitRows rows, FloatPointer logProbs) {
    check(logits, rows, logProbs);
    return compute(logits, rows, new Outputs(logProbs));
  }

  /**
   * The same for logits on a device.
   *
   * @see #enqueue(Logits, LogitRows, RowStatistics)
   */
  public static DeviceResult<Isa> enqueueLogProbs(
      Logits logits, LogitRows rows, FloatPointer logProbs) {
    DeviceQueue queue = NativeCalls.queueOf("logits", Arguments.present("logits", logits).queue());
    check(logits, rows, logProbs);
    return enqueue(queue, logits, rows, new Outputs(logProbs));
  }

  private static long checkRows(Logits logits, LogitRows rows) {
    Arguments.present("logits", logits);
    return Arguments.present("rows", rows).check(logits, false);
  }

  private static void check(Logits logits, LogitRows rows, RowStatistics out) {
    long n = checkRows(logits, rows);
    Arguments.present("out", out).check(n);
    WrittenMemory written = new WrittenMemory();
    out.addTo(written);
    written.input("logits", logits);
    rows.checkApart(written);
  }

  private static void check(Logits logits, LogitRows rows, FloatPointer logProbs) {
    Arguments.array("logProbs", logProbs, checkRows(logits, rows));
    WrittenMemory written = new WrittenMemory();
    written.output("logProbs", logProbs);
    written.input("logits", logits);
    rows.checkApart(written);
  }

  /** RowStatistics, or log-probs alone, which that record does not allow. */
  private record Outputs(
      FloatPointer logProbs,
      @Nullable FloatPointer entropy,
      @Nullable FloatPointer lse,
      @Nullable FloatPointer sumSquares) {
    Outputs(RowStatistics out) {
      this(out.logProbs(), out.entropy(), out.lse(), out.sumSquares());
    }

    Outputs(FloatPointer logProbs) {
      this(logProbs, null, null, null);
    }
  }

  private static Isa compute(Logits logits, LogitRows rows, Outputs out) {
    if (logits.queue() != null) {
      return enqueue(logits.queue(), logits, rows, out).read();
    }
    Kernels.ready();
    long n = rows.count(logits);
    try (CallMemory<NativeTokenStatsArgs, NativeReport> memory = MEMORY.take()) {
      describe(memory.in, logits, rows, out);
      int status = Native.grpo4j_token_stats(memory.args, memory.result);
      NativeCalls.check(status, memory.out, 0, n);
      return NativeCalls.isa(memory.out, 0);
    } finally {
      Reference.reachabilityFence(logits);
      Reference.reachabilityFence(rows);
      Reference.reachabilityFence(out);
    }
  }

  private static DeviceResult<Isa> enqueue(
      DeviceQueue queue, Logits logits, LogitRows rows, Outputs out) {
    int backend = queue.backend().code();
    try (DeviceSelection selected = queue.select();
        CallMemory<NativeTokenStatsArgs, NativeReport> memory = MEMORY.take()) {
      describe(memory.in, logits, rows, out);
      long bytes = Native.grpo4j_device_token_stats_workspace(backend, memory.args);
      Pointer workspace = queue.scratch(Scratch.WORKSPACE, bytes);
      return queue.enqueue(
          rows.count(logits),
          DeviceQueue.Reading.report(true),
          slot ->
              Native.grpo4j_device_token_stats(
                  backend, memory.args, new NativeReport(slot), workspace, bytes, queue.stream()));
    } finally {
      Reference.reachabilityFence(logits);
      Reference.reachabilityFence(rows);
      Reference.reachabilityFence(out);
    }
  }

  private static void describe(ByteBuffer in, Logits logits, LogitRows rows, Outputs out) {
    logits.describeTo(in, Struct.TokenStatsArgs.LOGITS);
    rows.describeTo(in, Struct.TokenStatsArgs.ROWS, rows.count(logits));
    int at = Struct.TokenStatsArgs.OUT;
    Struct.put(in, at + Struct.Outputs.LOG_PROBS, out.logProbs());
    Struct.put(in, at + Struct.Outputs.ENTROPY, out.entropy());
    Struct.put(in, at + Struct.Outputs.LSE, out.lse());
    Struct.put(in, at + Struct.Outputs.SUM_SQUARES, out.sumSquares());
    in.putInt(Struct.TokenStatsArgs.FLAGS, 0);
  }
}
