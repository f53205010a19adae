package org.grpo4j.torch;

import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.bytedeco.pytorch.global.torch_cuda;

/**
 * What is said in types of the CUDA preset, whose classes are absent where libtorch has no CUDA: a
 * class that names them can't even be verified there. {@link LibtorchCuda} comes here last.
 */
final class TorchStreams {
  private TorchStreams() {}

  /** libtorch's current stream of a GPU for this thread, a cudaStream_t. */
  static Pointer current(int gpu) {
    return torch_cuda.getCurrentCUDAStream((byte) gpu).stream();
  }

  /** Bytes of a GPU's memory that nobody has taken. */
  static long freeBytes(int gpu) {
    byte before = torch_cuda.ExchangeDevice((byte) gpu);
    try (SizeTPointer free = new SizeTPointer(1);
        SizeTPointer total = new SizeTPointer(1)) {
      int status = cudart.cudaMemGetInfo(free, total);
      if (status != cudart.cudaSuccess) {
        throw new InputException("cuda:" + gpu + " does not tell its free memory, error " + status);
      }
      return free.get();
    } finally {
      torch_cuda.set_device(before);
    }
  }

  /** What the driver calls a GPU. */
  static String deviceName(int gpu) {
    return torch_cuda.getDeviceProperties((byte) gpu).name().getString();
  }
}
