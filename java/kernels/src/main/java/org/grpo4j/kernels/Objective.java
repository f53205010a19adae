package org.grpo4j.kernels;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import org.bytedeco.javacpp.Pointer;
import org.grpo4j.kernels.DeviceQueue.Scratch;
import org.grpo4j.kernels.internal.Native;
import org.grpo4j.kernels.internal.NativeObjectiveArgs;
import org.grpo4j.kernels.internal.NativePolicyMetrics;

/** Loss, metrics and slopes from log-probs and entropies: the middle part of {@link PolicyLoss}. */
public final class Objective {
  private static final CallMemory.Pool<NativeObjectiveArgs, NativePolicyMetrics> MEMORY =
      new CallMemory.Pool<>(
          NativeObjectiveArgs.class,
          NativeObjectiveArgs::new,
          NativePolicyMetrics.class,
          NativePolicyMetrics::new);

  private Objective() {}

  /**
   * Computes loss and slopes. No logits are read: what the loss of a sequence needs of all its
   * tokens happens here.
   *
   * @param batch N rows; its targets, rowIndices and temperatures are not looked at
   * @param statistics [N] log-probs and entropies; a NaN log-prob marks a bad row. Rows whose loss
   *     or slope is not finite become NaN
   * @param slopes [N] receives g and h; 0 for masked and bad rows
   * @throws KernelException if rows became bad and {@link PolicyLossConfig#zeroBadRows} is off
   */
  public static PolicyLossMetrics compute(
      PolicyBatch batch, PolicyLossConfig config, RowStatistics statistics, RowSlopes slopes) {
    Call call = new Call(batch, config, statistics, slopes);
    return slopes.queue() == null ? call.onHost() : call.enqueue(slopes.queue()).read();
  }

  /**
   * The same for slopes on a device: enqueues it on their queue and returns at once. All pointers
   * are device memory.
   *
   * @throws KernelException if the device fails; bad rows show in {@link DeviceResult#read}
   */
  public static DeviceResult<PolicyLossMetrics> enqueue(
      PolicyBatch batch, PolicyLossConfig config, RowStatistics statistics, RowSlopes slopes) {
    return new Call(batch, config, statistics, slopes)
        .enqueue(NativeCalls.queueOf("slopes", slopes.queue()));
  }

  private record Call(
      PolicyBatch batch, PolicyLossConfig config, RowStatistics statistics, RowSlopes slopes) {
    Call {
      Arguments.present("batch", batch);
      Arguments.present("config", config);
      Arguments.present("statistics", statistics);
      Arguments.present("slopes", slopes);
    }

    private void check() {
      batch.check(slopes.rows(), config, slopes.queue());
      statistics.check(slopes.rows());
      WrittenMemory written = new WrittenMemory();
      statistics.addTo(written);
      written.output("slopes", slopes.address(0), slopes.address(slopes.rows()));
      batch.checkApart(written);
    }

    PolicyLossMetrics onHost() {
      Kernels.ready();
      check();
      try (CallMemory<NativeObjectiveArgs, NativePolicyMetrics> call = MEMORY.take()) {
        describeTo(call.in);
        int status = Native.grpo4j_objective(call.args, call.result);
        NativeCalls.check(status, call.out, Struct.Metrics.REPORT, slopes.rows());
        return PolicyLossMetrics.of(call.out);
      } finally {
        Reference.reachabilityFence(this);
      }
    }

    DeviceResult<PolicyLossMetrics> enqueue(DeviceQueue queue) {
      check();
      int backend = queue.backend().code();
      try (DeviceSelection selected = queue.select();
          CallMemory<NativeObjectiveArgs, NativePolicyMetrics> call = MEMORY.take()) {
        describeTo(call.in);
        long bytes = Native.grpo4j_device_objective_workspace(backend, call.args);
        Pointer workspace = queue.scratch(Scratch.WORKSPACE, bytes);
        return queue.enqueue(
            slopes.rows(),
            DeviceQueue.Reading.metrics(config),
            slot ->
                Native.grpo4j_device_objective(
                    backend,
                    call.args,
                    new NativePolicyMetrics(slot),
                    workspace,
                    bytes,
                    queue.stream()));
      } finally {
        Reference.reachabilityFence(this);
      }
    }

    private void describeTo(ByteBuffer in) {
      batch.describeTo(in, Struct.ObjectiveArgs.BATCH);
      statistics.describeTo(in, Struct.ObjectiveArgs.OUT);
      config.describeTo(in, Struct.ObjectiveArgs.CONFIG);
      Struct.put(in, Struct.ObjectiveArgs.SLOPES, slopes.memory());
      in.putLong(Struct.ObjectiveArgs.N, slopes.rows())
          .putInt(Struct.ObjectiveArgs.FLAGS, config.flags());
    }
  }
}
