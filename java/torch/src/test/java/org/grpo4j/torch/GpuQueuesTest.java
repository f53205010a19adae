package org.grpo4j.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.bytedeco.javacpp.Pointer;
import org.grpo4j.kernels.Backend;
import org.grpo4j.kernels.DeviceQueue;
import org.junit.jupiter.api.Test;

/**
 * What is decided between libtorch's answers and a queue, with a libtorch that only says what it
 * would. The backend is the emulated one, which has one device and takes any stream.
 */
class GpuQueuesTest {
  /** Answers as set. */
  private static final class SaidGpus implements LibtorchGpus {
    private boolean here = true;
    private boolean available = true;
    private Runnable loading = () -> {};
    private int count = 1;
    private int current;
    private long stream = 64;

    @Override
    public boolean areHere() {
      return here;
    }

    @Override
    public void load() {
      loading.run();
    }

    @Override
    public boolean isAvailable() {
      return available;
    }

    @Override
    public int count() {
      return count;
    }

    @Override
    public int current() {
      return current;
    }

    @Override
    public Pointer stream(int gpu) {
      return new Address(stream + gpu);
    }

    @Override
    public String name(int gpu) {
      return "GPU " + gpu;
    }

    @Override
    public long freeBytes(int gpu) {
      return 1L << 30;
    }
  }

  private static final class Address extends Pointer {
    Address(long address) {
      this.address = address;
    }
  }

  private final SaidGpus libtorch = new SaidGpus();
  private final GpuQueues gpus = new GpuQueues(libtorch, Backend.CUDA_EMULATED);

  @Test
  void aQueueIsOnLibtorchsCurrentStreamUntilThatChanges() {
    assumeTrue(Backend.CUDA_EMULATED.isAvailable(), Backend.CUDA_EMULATED::unavailableCause);
    assertEquals("", gpus.unavailableCause(0));
    try (DeviceQueue current = gpus.queue();
        DeviceQueue named = gpus.queue(0)) {
      for (DeviceQueue queue : new DeviceQueue[] {current, named}) {
        assertEquals(Backend.CUDA_EMULATED, queue.backend());
        assertEquals(0, queue.device());
        assertTrue(queue.isOn(new Address(64)));
        assertTrue(gpus.isCurrent(queue));
      }
      libtorch.stream = 128;
      assertFalse(gpus.isCurrent(current));
    }
  }

  /** libtorch has a GPU that the kernels can't use: the backend says why. */
  @Test
  void theBackendsCauseOfTheVeryGpuIsGiven() {
    assumeTrue(Backend.CUDA_EMULATED.isAvailable(), Backend.CUDA_EMULATED::unavailableCause);
    libtorch.count = 3;
    libtorch.current = 2;
    String cause = gpus.unavailableCause(2);
    assertTrue(cause.contains("invalid device ordinal"), cause);
    InputException e = assertThrows(InputException.class, gpus::queue);
    assertEquals("CUDA: " + cause, e.getMessage());
  }

  @Test
  void aGpuThatLibtorchDoesNotSeeIsNamed() {
    libtorch.count = 2;
    assertEquals("there is no GPU 2: libtorch sees 2", gpus.unavailableCause(2));
    InputException e = assertThrows(InputException.class, () -> gpus.queue(2));
    assertEquals("CUDA: there is no GPU 2: libtorch sees 2", e.getMessage());
  }

  @Test
  void noGpuIsNamed() {
    libtorch.available = false;
    assertTrue(gpus.unavailableCause(0).startsWith("libtorch sees no CUDA device"));
    assertThrows(InputException.class, gpus::queue);
  }

  @Test
  void whatKeepsNativesFromLoadingIsNamedWithoutItsPath() {
    libtorch.loading =
        () -> {
          throw new UnsatisfiedLinkError("/somewhere/libc10_cuda.so: libcuda.so.1: cannot open");
        };
    String cause = gpus.unavailableCause(0);
    assertTrue(cause.startsWith("libtorch's CUDA part can't be loaded"), cause);
    assertTrue(cause.endsWith(": libcuda.so.1: cannot open"), cause);
  }

  @Test
  void absentNativesAreNamedWithTheirRemedy() {
    libtorch.here = false;
    libtorch.loading =
        () -> {
          throw new TypeNotPresentException("cudart", new ClassNotFoundException("cudart"));
        };
    assertTrue(gpus.unavailableCause(0).contains("GRPO4J_PROFILES=gpu"));
    libtorch.loading =
        () -> {
          throw new NoClassDefFoundError("cudart");
        };
    assertTrue(gpus.unavailableCause(0).contains("GRPO4J_PROFILES=gpu"));
  }

  @Test
  void namesAndMemoryAreLibtorchs() {
    assertEquals("GPU 1", gpus.name(1));
    assertEquals(1L << 30, gpus.freeBytes(1));
  }
}
