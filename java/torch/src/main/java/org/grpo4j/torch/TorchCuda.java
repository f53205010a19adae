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
  private TorchCuda() {}

  /** Whether libtorch can put tensors on a GPU and the kernels can run there. */
  public static boolean isAvailable() {
    return unavailableCause().isEmpty();
  }

  /** What is missing, in words; "" when nothing is. */
  public static String unavailableCause() {
    TorchRuntime.load();
    try {
      Loader.load(torch_cuda.class);
    } catch (LinkageError e) {
      return "this libtorch has no CUDA: build with the Maven profile gpu (pytorch with the"
          + " classifier linux-x86_64-gpu, cuda with linux-x86_64-redist)";
    }
    if (!torch_cuda.is_available()) {
      return "libtorch sees no CUDA device: an NVIDIA GPU and its driver are needed";
    }
    return Backend.CUDA.unavailableCause();
  }

  /**
   * A queue on libtorch's current stream of its current device: what is enqueued there runs after
   * the tensor operations before it and before those after it, without any waiting. Close it before
   * the stream ends; a change of libtorch's current stream needs another one.
   *
   * @throws InputException if there is no CUDA, with the cause
   */
  public static DeviceQueue queue() {
    String cause = unavailableCause();
    if (!cause.isEmpty()) {
      throw new InputException("CUDA: " + cause);
    }
    return DeviceQueue.on(Backend.CUDA, torch_cuda.getCurrentCUDAStream().stream());
  }
}
