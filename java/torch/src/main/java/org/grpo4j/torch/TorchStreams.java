package org.grpo4j.torch;

import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.global.torch_cuda;

/**
 * What is said in types of the CUDA preset, whose classes are absent where libtorch has no CUDA: a
 * class that names them can't even be verified there. {@link TorchCuda} comes here last.
 */
final class TorchStreams {
  private TorchStreams() {}

  /** libtorch's current stream of a GPU for this thread, a cudaStream_t. */
  static Pointer current(int gpu) {
    return torch_cuda.getCurrentCUDAStream((byte) gpu).stream();
  }

  /** What the driver calls a GPU. */
  static String deviceName(int gpu) {
    return torch_cuda.getDeviceProperties((byte) gpu).name().getString();
  }
}
