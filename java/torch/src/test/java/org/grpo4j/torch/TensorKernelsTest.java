package org.grpo4j.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.Supplier;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.grpo4j.kernels.Backend;
import org.grpo4j.kernels.KernelException;
import org.grpo4j.kernels.PolicyBatch;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.kernels.RatioLevel;
import org.grpo4j.kernels.RowStatistics;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The kernels behind one face: on the host, and by a GPU's calls on the emulated device. */
class TensorKernelsTest {
  private static final int N = 4;
  private static final int V = 37;

  @BeforeAll
  static void load() {
    TorchRuntime.load();
  }

  private static TensorKernels emulated() {
    Assumptions.assumeTrue(
        Backend.CUDA_EMULATED.isAvailable(), Backend.CUDA_EMULATED::unavailableCause);
    return TensorKernels.on(TorchDevice.CPU, Backend.CUDA_EMULATED);
  }

  /** Everything that a batch may hold: row 1 is left out, two sequences, a temperature per row. */
  private static PolicyBatch batch(Pointer targets) {
    return new PolicyBatch(
        targets,
        new FloatPointer(-3f, -4f, -3.5f),
        new FloatPointer(-3.2f, -3.9f, -3.1f),
        new FloatPointer(1f, -0.5f),
        new FloatPointer(0.5f, 0.3f, 0.2f),
        new FloatPointer(0.5f, 0.3f, 0.2f),
        new LongPointer(0, 2, 3),
        new LongPointer(0, 1, 3),
        true,
        new FloatPointer(0.9f, 1f, 1.1f));
  }

  @Test
  void aBatchIsReadWhereItIsPlaced() {
    try (TensorKernels host = TensorKernels.onHost();
        TensorKernels device = emulated();
        PointerScope scope = new PointerScope()) {
      PolicyLossConfig config =
          PolicyLossConfig.builder()
              .ratioLevel(RatioLevel.SEQUENCE)
              .klCoef(0.1)
              .entropyCoef(0.02)
              .build();
      Tensor logits = torch.randn(new long[] {N, V});
      PolicyBatch longs = batch(new LongPointer(0, 5, 36));
      assertSame(longs, host.place(longs));
      Tensor expected = logits.clone();
      TensorKernels.Statistics statistics = host.statistics(3);
      PolicyLossMetrics metrics = host.policyLoss(expected, longs, config, statistics).get();
      // An int target is widened; a pointer's position counts.
      for (Pointer targets :
          new Pointer[] {
            new LongPointer(0, 5, 36),
            new IntPointer(0, 5, 36),
            new IntPointer(9, 0, 5, 36).position(1)
          }) {
        Tensor got = logits.clone();
        TensorKernels.Statistics placed = device.statistics(3);
        PolicyLossMetrics theirs =
            device.policyLoss(got, device.place(batch(targets)), config, placed).get();
        assertEquals(metrics.loss(), theirs.loss(), 1e-5);
        assertTrue(expected.sub(got).abs().max().item_float() < 1e-6f);
        RowStatistics a = statistics.read();
        RowStatistics b = placed.read();
        for (int i = 0; i < 3; i++) {
          assertEquals(a.logProbs().get(i), b.logProbs().get(i), 1e-5f);
          assertEquals(a.entropy().get(i), b.entropy().get(i), 1e-5f);
        }
      }
    }
  }

  @Test
  void statisticsOfTokens() {
    try (TensorKernels host = TensorKernels.onHost();
        TensorKernels device = emulated();
        PointerScope scope = new PointerScope()) {
      Tensor logits = torch.randn(new long[] {N, V});
      TensorKernels.Statistics a = host.statistics(N);
      TensorKernels.Statistics b = device.statistics(N);
      host.tokenStats(logits, new IntPointer(1, 2, 3, 4), 0.7f, a);
      device.tokenStats(logits, new IntPointer(1, 2, 3, 4), 0.7f, b);
      assertTrue(a.values().sub(b.values()).abs().max().item_float() < 1e-5f);
    }
  }

  /** On the host a bad row ends the call; on a device the reading of its result. */
  @Test
  void badRowsAreErrorsEverywhere() {
    try (TensorKernels host = TensorKernels.onHost();
        TensorKernels device = emulated();
        PointerScope scope = new PointerScope()) {
      PolicyLossConfig config = PolicyLossConfig.defaults();
      Tensor logits = torch.full(new long[] {N, V}, new Scalar(Float.NaN));
      PolicyBatch batch = batch(new LongPointer(0, 5, 36));
      TensorKernels.Statistics statistics = host.statistics(3);
      String message =
          assertThrows(
                  KernelException.class,
                  () -> host.policyLoss(logits.clone(), batch, config, statistics))
              .getMessage();
      Supplier<PolicyLossMetrics> result =
          device.policyLoss(logits, device.place(batch), config, device.statistics(3));
      assertEquals(message, assertThrows(KernelException.class, result::get).getMessage());
    }
  }

  @Test
  void whatIsAskedForIsNamed() {
    try (TensorKernels device = emulated()) {
      assertEquals(Backend.CUDA_EMULATED, device.backend());
      assertTrue(
          device.describe().startsWith("device cpu, backend cuda-emulated, isa cuda-emulated of ["),
          device.describe());
    }
    if (!Backend.CUDA.isAvailable()) {
      assertEquals(
          "backend=cuda: " + Backend.CUDA.unavailableCause(),
          assertThrows(InputException.class, () -> TensorKernels.on(TorchDevice.CPU, Backend.CUDA))
              .getMessage());
    }
  }
}
