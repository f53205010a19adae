package org.grpo4j.torch;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.pytorch.global.torch_cuda;
import org.grpo4j.kernels.Backend;
import org.grpo4j.kernels.DeviceQueue;

/**
 * libtorch on a GPU. Its natives come with the Maven profile gpu; without them everything here
 * compiles, and says what is missing.
 */
public final class TorchCuda {
  private static final String NATIVES =
      "/org/bytedeco/pytorch/linux-x86_64-gpu/libjnitorch_cuda.so";

  private TorchCuda() {}

  /** What the system's loader said, without the path of the library that it was loading. */
  private static String innermost(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    String message = String.valueOf(cause.getMessage());
    return message.startsWith("/") ? message.substring(message.indexOf(": ") + 2) : message;
  }

  /** Whether libtorch can put tensors on a GPU and the kernels can run there. */
  public static boolean isAvailable() {
    return unavailableCause().isEmpty();
  }

  /** What is missing to compute on the first GPU, in words; "" when nothing is. */
  public static String unavailableCause() {
    return unavailableCause(0);
  }

  /** The same for the GPU of a number. */
  static String unavailableCause(int index) {
    TorchRuntime.load();
    try {
      Loader.load(torch_cuda.class);
    } catch (LinkageError | TypeNotPresentException e) { // natives, or the preset's classes
      return TorchCuda.class.getResource(NATIVES) == null
          ? "this libtorch has no CUDA: build with the Maven profile gpu, mvn -Pgpu or"
              + " GRPO4J_PROFILES=gpu ./grpo4j .. (pytorch with the classifier linux-x86_64-gpu)"
          : "libtorch's CUDA part can't be loaded, it needs the NVIDIA driver and the libraries of"
              + " CUDA 13 (cuBLAS, cuDNN, cuSPARSE, cuSOLVER, NCCL): "
              + innermost(e);
    }
    if (!torch_cuda.is_available()) {
      return "libtorch sees no CUDA device: an NVIDIA GPU and its driver are needed";
    }
    int gpus = torch_cuda.device_count();
    if (index >= gpus) {
      return "there is no GPU " + index + ": libtorch sees " + gpus;
    }
    return Backend.CUDA.unavailableCause(index);
  }

  /** {@link #queue(TorchDevice)} of libtorch's current GPU. */
  public static DeviceQueue queue() {
    String cause = unavailableCause();
    if (!cause.isEmpty()) {
      throw new InputException("CUDA: " + cause);
    }
    return queue(new TorchDevice(TorchDevice.Kind.CUDA, torch_cuda.current_device()));
  }

  /**
   * A queue on libtorch's current stream of a GPU: what is enqueued there runs after the tensor
   * operations before it and before those after it, without any waiting. Close it before the stream
   * ends; a change of libtorch's current stream needs another one, see {@link #isCurrent}.
   *
   * @throws InputException if there is no such GPU, with the cause
   */
  public static DeviceQueue queue(TorchDevice gpu) {
    String cause = unavailableCause(gpu.index());
    if (!cause.isEmpty()) {
      throw new InputException("CUDA: " + cause);
    }
    return DeviceQueue.on(Backend.CUDA, gpu.index(), TorchStreams.current(gpu.index()));
  }

  /** What the driver calls a GPU. */
  static String name(TorchDevice gpu) {
    return TorchStreams.deviceName(gpu.index());
  }

  /**
   * Whether a queue's stream is the one on which libtorch now runs this thread's operations on the
   * queue's GPU. On another stream its calls would run beside them, not in their order.
   */
  static boolean isCurrent(DeviceQueue queue) {
    return queue.isOn(TorchStreams.current(queue.device()));
  }
}
