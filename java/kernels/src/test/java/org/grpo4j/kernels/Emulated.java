package org.grpo4j.kernels;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * The emulated CUDA backend, where it was built; elsewhere its tests are skipped with the cause.
 */
final class Emulated {
  private Emulated() {}

  /** The instruction sets of this processor, and the emulated device where there is one. */
  static List<Isa> isas() {
    if (!Backend.CUDA_EMULATED.isAvailable()) {
      System.out.println("skipped on cuda-emulated: " + Backend.CUDA_EMULATED.unavailableCause());
      return Kernels.availableIsas();
    }
    return Stream.concat(Kernels.availableIsas().stream(), Stream.of(Isa.CUDA_EMULATED)).toList();
  }

  /** A queue on its default stream; skips the test where it is absent. */
  static DeviceQueue queue() {
    Assumptions.assumeTrue(
        Backend.CUDA_EMULATED.isAvailable(), Backend.CUDA_EMULATED::unavailableCause);
    return DeviceQueue.on(Backend.CUDA_EMULATED, null);
  }
}
