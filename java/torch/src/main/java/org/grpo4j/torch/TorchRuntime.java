package org.grpo4j.torch;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.bytedeco.pytorch.global.torch;

/** Process-wide settings of libtorch and of the BLAS library it multiplies matrices with. */
public final class TorchRuntime {
  private TorchRuntime() {}

  /** Loads the native libraries (about a second, once per process). */
  public static void load() {
    Loader.load(openblas_nolapack.class);
    Loader.load(torch.class);
  }

  /**
   * Sets how many threads tensor operations and matrix products use.
   *
   * <p>The preset's fp32 matrix products all go to OpenBLAS, whose threads are its own: libtorch's
   * setting does not reach them. Both pools therefore get the same number.
   *
   * @param threads at least 1
   */
  public static void configureThreads(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads: given " + threads + ", wanted at least 1");
    }
    load();
    torch.set_num_threads(threads);
    openblas_nolapack.blas_set_num_threads(threads);
  }
}
