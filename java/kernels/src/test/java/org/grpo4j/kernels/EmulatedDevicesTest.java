package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.grpo4j.kernels.internal.Native;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What is said of devices that are absent or too old, and of a good one beside them. In processes
 * of their own: the emulation reads its devices when it loads.
 */
class EmulatedDevicesTest {
  private static final int CODE = Backend.CUDA_EMULATED.code();

  /** Sends calls on host memory to the emulation. */
  static final class Host {
    public static void main(String[] args) {
      Kernels.use(Backend.CUDA_EMULATED);
    }
  }

  /** Prints what holds of each of two devices and their calls. */
  static final class Two {
    public static void main(String[] args) {
      for (int device : new int[] {0, 1, 2}) {
        System.out.println(device + ": " + Backend.CUDA_EMULATED.unavailableCause(device));
      }
      System.out.println("current: " + Backend.CUDA_EMULATED.unavailableCause());
      try (Fixture f = new Fixture(Fixture.Layout.BF16, 3, 1003, 2, 21);
          RowStatistics out = RowStatistics.allocate(f.rows);
          DeviceQueue queue = DeviceQueue.on(Backend.CUDA_EMULATED, 1, null);
          DeviceFixture d = new DeviceFixture(f, queue)) {
        PolicyLossConfig config = PolicyLossConfig.builder().build();
        queue.prepare();
        PolicyLossMetrics metrics =
            PolicyLoss.compute(d.logits(), d.batch(), config, d.out(), d.gradient());
        d.readInto(out);
        Conformance.compare(f, config, out, metrics);
        System.out.println("computed on " + queue.device());
      }
      System.out.println("current again: " + Native.grpo4j_device_current(CODE));
      try {
        DeviceQueue.on(Backend.CUDA_EMULATED, 0, null);
      } catch (KernelException refused) {
        System.out.println(refused.getMessage());
      }
    }
  }

  private static ChildProcess run(Class<?> main, String devices) throws Exception {
    Assumptions.assumeTrue(
        Backend.CUDA_EMULATED.isAvailable(), Backend.CUDA_EMULATED::unavailableCause);
    return ChildProcess.run(main, Map.of("GRPO4J_EMULATION_DEVICE", devices));
  }

  @ParameterizedTest
  @CsvSource({"v100, V100", "none, no NVIDIA GPU", "'v100,h100', V100"})
  void aDeviceThatIsTooOldOrAbsentIsNamed(String devices, String named) throws Exception {
    ChildProcess outcome = run(Host.class, devices);
    assertEquals(1, outcome.status(), outcome.errors());
    String line =
        outcome.errors().lines().filter(l -> l.contains("KernelException")).findFirst().orElse("");
    assertTrue(line.contains("backend cuda-emulated: ") && line.contains(named), outcome.errors());
  }

  @Test
  void aGoodDeviceBesideOneThatIsTooOldIsUsed() throws Exception {
    ChildProcess outcome = run(Two.class, "v100,h100");
    String old = "Tesla V100 (emulated) has compute capability 7.0; 8.0 (A100) or newer is needed";
    assertEquals(
        List.of(
            "0: " + old,
            "1: ",
            "2: backend cuda-emulated: choice of a device: invalid device ordinal"
                + " (cudaErrorInvalidDevice)",
            "current: " + old,
            "computed on 1",
            "current again: 0",
            "backend cuda-emulated, device 0: " + old),
        outcome.output().lines().toList(),
        outcome.errors());
  }
}
