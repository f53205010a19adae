package org.grpo4j.benchmarks.gpu;

import java.util.function.Supplier;
import org.bytedeco.cuda.cudart.CUevent_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.grpo4j.kernels.Backend;

/** The current GPU through JavaCPP's CUDA preset: a stream of its own, two events, copies. */
final class CudaDevice implements AutoCloseable {
  private final CUstream_st stream = new CUstream_st();
  private final CUevent_st start = new CUevent_st();
  private final CUevent_st stop = new CUevent_st();

  CudaDevice() {
    check(cudart.cudaStreamCreate(stream));
    check(cudart.cudaEventCreate(start));
    check(cudart.cudaEventCreate(stop));
  }

  /** Why nothing can be timed here, in words; "" when something can. */
  static String unavailableCause() {
    String cause = Backend.CUDA.unavailableCause();
    if (!cause.isEmpty()) {
      return cause;
    }
    try {
      Loader.load(cudart.class);
      return "";
    } catch (LinkageError e) {
      return "JavaCPP's CUDA preset has no natives here: build with the Maven profile gpu";
    }
  }

  CUstream_st stream() {
    return stream;
  }

  /** What a call gave, and the milliseconds on the device between the events around it. */
  record Timed<R>(R result, double milliseconds) {}

  /** Times what is enqueued, and waits for it. */
  <R> Timed<R> time(Supplier<R> enqueue) {
    check(cudart.cudaEventRecord(start, stream));
    R result = enqueue.get();
    check(cudart.cudaEventRecord(stop, stream));
    check(cudart.cudaEventSynchronize(stop));
    float[] milliseconds = new float[1];
    check(cudart.cudaEventElapsedTime(milliseconds, start, stop));
    return new Timed<>(result, milliseconds[0]);
  }

  /** Enqueues a copy within the device. */
  void copy(Pointer to, Pointer from, long bytes) {
    check(cudart.cudaMemcpyAsync(to, from, bytes, cudart.cudaMemcpyDeviceToDevice, stream));
  }

  long levelTwoCacheBytes() {
    return attribute(cudart.cudaDevAttrL2CacheSize);
  }

  /**
   * Instructions of one thread that all multiprocessors together issue in a second: 128 lanes each,
   * at the boost clock.
   */
  double issueRate() {
    return 128.0
        * attribute(cudart.cudaDevAttrMultiProcessorCount)
        * attribute(cudart.cudaDevAttrClockRate)
        * 1e3;
  }

  private static int attribute(int which) {
    int[] device = new int[1];
    check(cudart.cudaGetDevice(device));
    int[] value = new int[1];
    check(cudart.cudaDeviceGetAttribute(value, which, device[0]));
    return value[0];
  }

  @Override
  public void close() {
    check(cudart.cudaEventDestroy(start));
    check(cudart.cudaEventDestroy(stop));
    check(cudart.cudaStreamDestroy(stream));
  }

  private static void check(int status) {
    if (status != cudart.cudaSuccess) {
      throw new IllegalStateException("CUDA: " + cudart.cudaGetErrorString(status).getString());
    }
  }
}
