package org.grpo4j.torch;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.global.torch_cuda;

/**
 * libtorch's CUDA part itself, a line a question: nothing here is decided, because nothing here
 * runs without a GPU.
 */
final class LibtorchCuda implements LibtorchGpus {
  private static final String NATIVES =
      "/org/bytedeco/pytorch/linux-x86_64-gpu/libjnitorch_cuda.so";

  @Override
  public boolean areHere() {
    return LibtorchCuda.class.getResource(NATIVES) != null;
  }

  @Override
  public void load() {
    Loader.load(torch_cuda.class);
  }

  @Override
  public boolean isAvailable() {
    return torch_cuda.is_available();
  }

  @Override
  public int count() {
    return torch_cuda.device_count();
  }

  @Override
  public int current() {
    return torch_cuda.current_device();
  }

  @Override
  public Pointer stream(int gpu) {
    return TorchStreams.current(gpu);
  }

  @Override
  public String name(int gpu) {
    return TorchStreams.deviceName(gpu);
  }

  @Override
  public long freeBytes(int gpu) {
    return TorchStreams.freeBytes(gpu);
  }
}
