package org.grpo4j.torch;

import org.bytedeco.javacpp.Pointer;

/**
 * What is asked of libtorch's CUDA part. {@link LibtorchCuda} asks it; the tests have one without a
 * GPU.
 */
interface LibtorchGpus {
  /** Whether its natives are on the class path, loadable or not. */
  boolean areHere();

  /**
   * Loads its natives. Called before anything below.
   *
   * @throws LinkageError if they, what they need of the system, or the preset's classes are absent
   * @throws TypeNotPresentException likewise
   */
  void load();

  /** Whether there is a GPU and a driver. */
  boolean isAvailable();

  int count();

  /** The number of this thread's current GPU. */
  int current();

  /** The current stream of a GPU for this thread, a cudaStream_t. */
  Pointer stream(int gpu);

  /** What the driver calls a GPU. */
  String name(int gpu);

  /** Bytes of a GPU's memory that nobody has taken. */
  long freeBytes(int gpu);
}
