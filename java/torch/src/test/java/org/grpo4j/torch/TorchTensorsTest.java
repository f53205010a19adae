package org.grpo4j.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.grpo4j.kernels.Backend;
import org.grpo4j.kernels.DType;
import org.grpo4j.kernels.DeviceQueue;
import org.grpo4j.kernels.Logits;
import org.grpo4j.kernels.PolicyBatch;
import org.grpo4j.kernels.PolicyLoss;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.RowStatistics;
import org.grpo4j.kernels.TokenStats;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class TorchTensorsTest {
  private static void refused(String part, Executable call) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call);
    assertTrue(String.valueOf(e.getMessage()).contains(part), e::toString);
  }

  @Test
  void viewsKeepShapeTypeAndStride() {
    TorchRuntime.load();
    try (PointerScope scope = new PointerScope()) {
      Logits three = TorchTensors.logits(torch.zeros(2, 3, 5));
      assertEquals(6, three.rows());
      assertEquals(5, three.vocab());
      assertEquals(DType.F32, three.dtype());
      assertEquals(
          DType.BF16, TorchTensors.logits(torch.zeros(2, 5).toType(ScalarType.BFloat16)).dtype());
      Logits columns = TorchTensors.logits(torch.zeros(4, 9).narrow(1, 2, 5));
      assertEquals(5, columns.vocab());
      assertEquals(9, columns.rowStride());
      assertEquals(0, TorchTensors.logits(torch.zeros(0, 5)).rows());
    }
  }

  @Test
  void whatTheKernelsCannotRead() {
    TorchRuntime.load();
    try (PointerScope scope = new PointerScope()) {
      refused("Double", () -> TorchTensors.logits(torch.zeros(2, 5).toType(ScalarType.Double)));
      refused("not contiguous", () -> TorchTensors.logits(torch.zeros(5, 2).t()));
      refused(
          "floats [2, 5] are Long: want Float",
          () -> TorchTensors.floats(torch.zeros(2, 5).toType(ScalarType.Long)));
      refused("longs [3] are Float: want Long", () -> TorchTensors.longs(torch.zeros(3)));
      refused("undefined", () -> TorchTensors.floats(new Tensor()));
      refused("do not require", () -> TorchTensors.backward(torch.zeros(2), torch.zeros(2)));
      refused(
          "[3]: want that of the logits, [2]",
          () -> TorchTensors.backward(torch.zeros(2), torch.zeros(3)));
    }
  }

  /** Closed tensors leave their memory to the views; closed scopes leave views that are refused. */
  @Test
  void viewsHoldTheMemory() {
    TorchRuntime.load();
    Tensor tensor = torch.full(new long[] {3, 5}, new Scalar(7.0));
    FloatPointer floats = TorchTensors.floats(tensor);
    Logits logits = TorchTensors.logits(tensor);
    FloatPointer second = floats.getPointer(5);
    assertEquals(15, floats.limit() - floats.position());
    tensor.close();
    float[] values = new float[15];
    logits.copyTo(values);
    assertEquals(7, values[14]);
    assertEquals(7, floats.get(14));
    assertEquals(7, second.get(9));

    Logits late;
    LongPointer targets;
    try (PointerScope scope = new PointerScope()) {
      late = TorchTensors.logits(torch.zeros(3, 5));
      targets = TorchTensors.longs(torch.zeros(3).toType(ScalarType.Long));
      TokenStats.compute(late, targets, null, 1, RowStatistics.allocate(3));
    }
    refused("closed", () -> late.copyTo(values));
    RowStatistics out = RowStatistics.allocate(3);
    refused("targets is null or closed", () -> TokenStats.compute(logits, targets, null, 1, out));
    refused(
        "logits were closed",
        () -> TokenStats.compute(late, new LongPointer(0, 0, 0), null, 1, out));
  }

  /** The kernel's gradient, handed to autograd, against autograd through log_softmax. */
  @Test
  void backwardThroughTheKernelEqualsAutograd() {
    TorchRuntime.load();
    try (PointerScope scope = new PointerScope()) {
      Tensor hidden = torch.zeros(3, 4).uniform_();
      Tensor targets = torch.zeros(3).add(new Scalar(2)).toType(ScalarType.Long);
      Tensor ours = torch.zeros(4, 50).uniform_().set_requires_grad(true);
      Tensor theirs = ours.detach().clone().set_requires_grad(true);

      Tensor logits = hidden.matmul(ours);
      Tensor weights = torch.zeros(3).add(new Scalar(1));
      Tensor memory = logits.detach();
      Logits view = TorchTensors.logits(memory);
      PolicyLoss.compute(
          view,
          new PolicyBatch(
              TorchTensors.longs(targets),
              null,
              null,
              TorchTensors.floats(weights),
              TorchTensors.floats(weights),
              TorchTensors.floats(weights),
              null),
          PolicyLossConfig.defaults(),
          RowStatistics.allocate(3),
          view);
      TorchTensors.backward(logits, memory);

      torch
          .log_softmax(hidden.matmul(theirs), 1)
          .gather(1, targets.unsqueeze(1))
          .sum()
          .neg()
          .backward();
      assertTrue(ours.grad().sub(theirs.grad()).abs().max().item_float() < 1e-6f);
    }
  }

  /** Through a queue of the emulated device, whose memory is this process's: the same numbers. */
  @Test
  void tensorsOnAQueue() {
    TorchRuntime.load();
    Assumptions.assumeTrue(
        Backend.CUDA_EMULATED.isAvailable(), Backend.CUDA_EMULATED::unavailableCause);
    try (PointerScope scope = new PointerScope();
        DeviceQueue queue = DeviceQueue.on(Backend.CUDA_EMULATED, null)) {
      Tensor logits = torch.randn(new long[] {4, 37});
      Tensor targets = torch.tensor(new long[] {0, 5, 36, 7});
      Tensor ones = torch.ones(4);
      Tensor old = torch.full(new long[] {4}, new Scalar(-3.5));
      Tensor[] out = {torch.zeros(4), torch.zeros(4)};
      Tensor[] gradients = {torch.zeros(4, 37), torch.zeros(4, 37)};
      double[] losses = new double[2];
      for (int k = 0; k < 2; k++) {
        DeviceQueue on = k == 0 ? null : queue;
        losses[k] =
            PolicyLoss.compute(
                    TorchTensors.logits(logits, on),
                    new PolicyBatch(
                        TorchTensors.longs(targets, on),
                        TorchTensors.floats(old, on),
                        null,
                        TorchTensors.floats(ones, on),
                        TorchTensors.floats(ones, on),
                        TorchTensors.floats(ones, on),
                        null),
                    PolicyLossConfig.defaults(),
                    new RowStatistics(
                        TorchTensors.floats(out[k], on),
                        TorchTensors.floats(torch.zeros(4), on),
                        null,
                        null),
                    TorchTensors.logits(gradients[k], on))
                .loss();
      }
      assertEquals(losses[0], losses[1], 1e-5);
      assertTrue(gradients[0].sub(gradients[1]).abs().max().item_float() < 1e-6);
      assertTrue(out[0].sub(out[1]).abs().max().item_float() < 1e-5);
    }
  }

  @Test
  void withoutCudaTheCauseIsNamed() {
    Assumptions.assumeFalse(TorchCuda.isAvailable(), "this machine has CUDA");
    InputException e = assertThrows(InputException.class, TorchCuda::queue);
    assertEquals("CUDA: " + TorchCuda.unavailableCause(), e.getMessage());
    assertTrue(TorchCuda.unavailableCause().contains("CUDA"), TorchCuda.unavailableCause());
  }
}
