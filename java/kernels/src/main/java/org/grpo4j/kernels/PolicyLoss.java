package org.grpo4j.kernels;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.Pointer;
import org.grpo4j.kernels.DeviceQueue.Scratch;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativePolicyLossArgs;
import org.grpo4j.kernels.internal.NativePolicyMetrics;
import org.jspecify.annotations.Nullable;

/** The policy loss and its gradient to the logits, in one call. */
public final class PolicyLoss {
  private static final CallMemory.Pool<NativePolicyLossArgs, NativePolicyMetrics> MEMORY =
      new CallMemory.Pool<>(
          NativePolicyLossArgs.class,
          NativePolicyLossArgs::new,
          NativePolicyMetrics.class,
          NativePolicyMetrics::new);

  private PolicyLoss() {}

  /**
   * Computes loss, statistics and gradient.
   *
   * <p>dz_v = (1/T)·[g·(1[v = y] − p_v) − h·p_v·(log p_v + H)] with g = ∂loss/∂logProb and h =
   * ∂loss/∂H, times 1 − (z_v/c)² under a soft cap c. Rows that the batch's rowIndices leave out are
   * neither read nor written: in place, they still hold logits afterwards. With ratios per token
   * each row is visited once; with ratios per sequence twice, and 56 bytes per row are allocated
   * for the time of the call.
   *
   * @param logits [rows, vocab]
   * @param batch N rows: all rows, or those it lists
   * @param out [N] each; 0 for a row whose two weights are 0
   * @param gradient of the logits' shape and dtype: the same memory (in place) or disjoint; with
   *     {@link PolicyLossConfig#accumulateGradient} disjoint, and rows without a gradient stay as
   *     they are
   * @throws IllegalArgumentException if an argument is null, closed, overlapping or of the wrong
   *     shape; nothing was written then
   * @throws KernelException if rows are bad and {@link PolicyLossConfig#zeroBadRows} is off; the
   *     gradient of such rows is 0, their outputs are NaN, the other rows are right
   */
  public static PolicyLossMetrics compute(
      Logits logits,
      PolicyBatch batch,
      PolicyLossConfig config,
      RowStatistics out,
      Logits gradient) {
    Call call = new Call(logits, batch, config, out, gradient);
    return logits.queue() == null ? call.onHost() : call.enqueue(logits.queue()).read();
  }

  /**
   * The same for logits on a device: enqueues it on their queue and returns at once. All pointers,
   * the outputs and the gradient are device memory, and must stay until the call is done.
   *
   * @throws IllegalArgumentException if an argument is null, closed, overlapping or of the wrong
   *     shape, or the logits are in host memory
   * @throws KernelException if the device fails; bad rows show in {@link DeviceResult#read}
   */
  public static DeviceResult<PolicyLossMetrics> enqueue(
      Logits logits,
      PolicyBatch batch,
      PolicyLossConfig config,
      RowStatistics out,
      Logits gradient) {
    return new Call(logits, batch, config, out, gradient)
        .enqueue(NativeCalls.queueOf("logits", logits.queue()));
  }

  private record Call(
      Logits logits,
      PolicyBatch batch,
      PolicyLossConfig config,
      RowStatistics out,
      Logits gradient) {
    Call {
      Arguments.present("logits", logits);
      Arguments.present("batch", batch);
      Arguments.present("config", config);
      Arguments.present("out", out);
      Arguments.present("gradient", gradient);
    }

    /** Checks everything and gives N. */
    long check() {
      LogitRows rows = batch.rows(config);
      long n = rows.check(logits, true);
      batch.check(n, config, logits.queue());
      out.check(n);
      NativeCalls.checkGradient(logits, gradient, config.accumulateGradient());
      WrittenMemory written = new WrittenMemory();
      out.addTo(written);
      written.input("logits", logits);
      written.output("gradient", gradient);
      rows.checkApart(written);
      batch.checkApart(written);
      return n;
    }

    boolean twoVisits() {
      return config.ratioLevel() != RatioLevel.TOKEN;
    }

    PolicyLossMetrics onHost() {
      Kernels.ready();
      long n = check();
      try (@Nullable RowStates states = twoVisits() ? RowStates.allocate(n) : null;
          @Nullable RowSlopes slopes = twoVisits() ? RowSlopes.allocate(n) : null;
          CallMemory<NativePolicyLossArgs, NativePolicyMetrics> memory = MEMORY.take()) {
        describeTo(memory.in, n);
        Struct.put(
            memory.in, Struct.PolicyLossArgs.STATES, states == null ? null : states.memory());
        Struct.put(
            memory.in, Struct.PolicyLossArgs.SLOPES, slopes == null ? null : slopes.memory());
        int status = Native.grpo4j_policy_loss(memory.args, memory.result);
        NativeCalls.check(status, memory.out, Struct.Metrics.REPORT, n);
        return PolicyLossMetrics.of(memory.out);
      } finally {
        Reference.reachabilityFence(this);
      }
    }

    DeviceResult<PolicyLossMetrics> enqueue(DeviceQueue queue) {
      long n = check();
      int backend = queue.backend().code();
      try (DeviceSelection selected = queue.select();
          CallMemory<NativePolicyLossArgs, NativePolicyMetrics> memory = MEMORY.take()) {
        describeTo(memory.in, n);
        Struct.put(
            memory.in,
            Struct.PolicyLossArgs.STATES,
            twoVisits() ? queue.scratch(Scratch.STATES, n * RowStates.BYTES) : null);
        Struct.put(
            memory.in,
            Struct.PolicyLossArgs.SLOPES,
            twoVisits() ? queue.scratch(Scratch.SLOPES, n * RowSlopes.BYTES) : null);
        long bytes = Native.grpo4j_device_policy_loss_workspace(backend, memory.args);
        Pointer workspace = queue.scratch(Scratch.WORKSPACE, bytes);
        return queue.enqueue(
            n,
            DeviceQueue.Reading.metrics(config),
            slot ->
                Native.grpo4j_device_policy_loss(
                    backend,
                    memory.args,
                    new NativePolicyMetrics(slot),
                    workspace,
                    bytes,
                    queue.stream()));
      } finally {
        Reference.reachabilityFence(this);
      }
    }

    private void describeTo(ByteBuffer in, long n) {
      logits.describeTo(in, Struct.PolicyLossArgs.LOGITS);
      gradient.describeTo(in, Struct.PolicyLossArgs.GRADIENT);
      batch.rows(config).describeTo(in, Struct.PolicyLossArgs.ROWS, n);
      batch.describeTo(in, Struct.PolicyLossArgs.BATCH);
      out.describeTo(in, Struct.PolicyLossArgs.OUT);
      config.describeTo(in, Struct.PolicyLossArgs.CONFIG);
      in.putInt(Struct.PolicyLossArgs.FLAGS, config.flags());
    }
  }
}
