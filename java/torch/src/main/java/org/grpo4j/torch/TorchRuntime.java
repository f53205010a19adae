package org.grpo4j.torch;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.bytedeco.pytorch.global.torch;
import org.grpo4j.kernels.Kernels;

/** Process-wide settings of libtorch and of the BLAS library it multiplies matrices with. */
public final class TorchRuntime {
  private TorchRuntime() {}

  /** Loads the native libraries (about a second, once per process). */
  public static void load() {
    Loader.load(openblas_nolapack.class);
    Loader.load(torch.class);
  }

  /**
   * Sets how many threads tensor operations, matrix products and the loss kernels use.
   *
   * <p>The preset's fp32 matrix products all go to OpenBLAS, whose threads are its own: libtorch's
   * setting does not reach them (5000×128×768: 8.1 ms with one OpenBLAS thread whatever libtorch
   * has, 3.6 ms with two). Both pools get the same number.
   *
   * <p>Both pools spin while they wait, which on shared cores costs far more than it gains. Start
   * the process with {@code OMP_WAIT_POLICY=PASSIVE} and {@code OPENBLAS_THREAD_TIMEOUT=4}: with
   * eight busy neighbours on two cores a forward pass with two threads took 118 ms instead of 2,430
   * ms. They are read when the libraries load and cannot be set from here.
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
    Kernels.setThreads(threads);
  }
}
