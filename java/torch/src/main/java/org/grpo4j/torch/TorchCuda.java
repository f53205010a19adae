package org.grpo4j.torch;

import org.grpo4j.kernels.Backend;
import org.grpo4j.kernels.DeviceQueue;

/**
 * libtorch on a GPU. Its natives come with the Maven profile gpu; without them everything here
 * compiles, and says what is missing.
 */
public final class TorchCuda {
  private static final GpuQueues GPUS = new GpuQueues(new LibtorchCuda(), Backend.CUDA);

  private TorchCuda() {}

  /** Whether libtorch can put tensors on the first GPU and the kernels can run there. */
  public static boolean isAvailable() {
    return unavailableCause().isEmpty();
  }

  /** What is missing to compute on the first GPU, in words; "" when nothing is. */
  public static String unavailableCause() {
    return unavailableCause(0);
  }

  /** The same for the GPU of a number, whatever the others are. */
  static String unavailableCause(int index) {
    TorchRuntime.load();
    return GPUS.unavailableCause(index);
  }

  /**
   * {@link #queue(TorchDevice)} of libtorch's current GPU.
   *
   * @throws InputException if it can't be used, with the cause
   */
  public static DeviceQueue queue() {
    TorchRuntime.load();
    return GPUS.queue();
  }

  /**
   * A queue on libtorch's current stream of a GPU: what is enqueued there runs after the tensor
   * operations before it and before those after it, without any waiting. Close it before the stream
   * ends; a change of libtorch's current stream needs another one, see {@link #isCurrent}.
   *
   * @throws InputException if there is no such GPU, with the cause
   */
  public static DeviceQueue queue(TorchDevice gpu) {
    TorchRuntime.load();
    return GPUS.queue(gpu.index());
  }

  /** What the driver calls a GPU. */
  static String name(TorchDevice gpu) {
    return GPUS.name(gpu.index());
  }

  /** Bytes of a GPU's memory that nobody has taken. */
  static long freeBytes(TorchDevice gpu) {
    return GPUS.freeBytes(gpu.index());
  }

  /**
   * Whether a queue's stream is the one on which libtorch now runs this thread's operations on the
   * queue's GPU. On another stream its calls would run beside them, not in their order.
   */
  static boolean isCurrent(DeviceQueue queue) {
    return GPUS.isCurrent(queue);
  }
}
