package org.grpo4j.torch;

import org.bytedeco.javacpp.Pointer;
import org.grpo4j.kernels.Backend;
import org.grpo4j.kernels.DeviceQueue;

/** Queues of a backend on the GPUs and the streams that libtorch uses. */
final class GpuQueues {
  private final LibtorchGpus libtorch;
  private final Backend backend;

  /** For GPUs that libtorch and the backend number alike. */
  GpuQueues(LibtorchGpus libtorch, Backend backend) {
    this.libtorch = libtorch;
    this.backend = backend;
  }

  /** What the system's loader said, without the path of the library that it was loading. */
  private static String innermost(Throwable failure) {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    String message = String.valueOf(cause.getMessage());
    return message.startsWith("/") ? message.substring(message.indexOf(": ") + 2) : message;
  }

  /** What libtorch lacks to use any GPU, in words; "" when nothing. */
  private String libtorchCause() {
    try {
      libtorch.load();
    } catch (LinkageError | TypeNotPresentException e) { // natives, or the preset's classes
      return libtorch.areHere()
          ? "libtorch's CUDA part can't be loaded, it needs the NVIDIA driver and the libraries of"
              + " CUDA 13 (cuBLAS, cuDNN, cuSPARSE, cuSOLVER, NCCL): "
              + innermost(e)
          : "this libtorch has no CUDA: build with the Maven profile gpu, mvn -Pgpu or"
              + " GRPO4J_PROFILES=gpu ./grpo4j .. (pytorch with the classifier linux-x86_64-gpu)";
    }
    return libtorch.isAvailable()
        ? ""
        : "libtorch sees no CUDA device: an NVIDIA GPU and its driver are needed";
  }

  /** What is missing to compute on the GPU of a number, in words; "" when nothing is. */
  String unavailableCause(int gpu) {
    String cause = libtorchCause();
    if (!cause.isEmpty()) {
      return cause;
    }
    int gpus = libtorch.count();
    if (gpu >= gpus) {
      return "there is no GPU " + gpu + ": libtorch sees " + gpus;
    }
    return backend.unavailableCause(gpu);
  }

  /**
   * On libtorch's current stream of its current GPU.
   *
   * @throws InputException if it can't be used, with the cause
   */
  DeviceQueue queue() {
    check(libtorchCause());
    return queue(libtorch.current());
  }

  /** The same of the GPU of a number. */
  DeviceQueue queue(int gpu) {
    check(unavailableCause(gpu));
    return DeviceQueue.on(backend, gpu, libtorch.stream(gpu));
  }

  private static void check(String cause) {
    if (!cause.isEmpty()) {
      throw new InputException("CUDA: " + cause);
    }
  }

  /** Whether a queue's stream is still libtorch's current one of its GPU, for this thread. */
  boolean isCurrent(DeviceQueue queue) {
    Pointer current = libtorch.stream(queue.device());
    return queue.isOn(current);
  }

  String name(int gpu) {
    return libtorch.name(gpu);
  }

  long freeBytes(int gpu) {
    return libtorch.freeBytes(gpu);
  }
}
