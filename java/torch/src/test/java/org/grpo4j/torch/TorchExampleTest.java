package org.grpo4j.torch;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.grpo4j.fixtures.Collector;
import org.grpo4j.fixtures.Readme;
import org.grpo4j.kernels.Logits;
import org.grpo4j.kernels.PolicyBatch;
import org.grpo4j.kernels.PolicyLoss;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.RowStatistics;
import org.junit.jupiter.api.Test;

/**
 * The README's example with libtorch, in a method of its own and without a PointerScope, while the
 * garbage collector runs: nothing but the views holds the tensors that it is given.
 */
class TorchExampleTest {
  private static final int VOCAB = 2;
  private static final int SMALL_STEPS = 6_000; // until optimized code makes them
  private static final int LARGE_STEPS = 3;

  /** So many that the allocator takes an array from the system and gives it back at once. */
  private static final int LARGE_TOKENS = 9_000_000;

  /** Tokens are rows of features here, and the model is one matrix. */
  private record Model(Tensor weights) {
    Tensor forward(Tensor tokens) {
      return tokens.matmul(weights);
    }
  }

  /** Takes what was propagated and forgets it, so that every step is the first one. */
  private static final class Optimizer {
    private final Tensor weights;
    private double gradient;

    Optimizer(Tensor weights) {
      this.weights = weights;
    }

    void step() {
      gradient = weights.grad().abs().sum().item_double();
      weights.grad().zero_();
    }
  }

  private static void train(
      Model model,
      Optimizer optimizer,
      PolicyLossConfig config,
      Tensor tokens,
      Tensor targets,
      Tensor oldLogProbs,
      Tensor advantages,
      Tensor policyWeights,
      Tensor regularizerWeights) {
    Tensor logits = model.forward(tokens);
    Logits view = TorchTensors.logits(logits);
    PolicyBatch batch =
        PolicyBatch.builder(TorchTensors.longs(targets))
            .oldLogProbs(TorchTensors.floats(oldLogProbs))
            .advantages(TorchTensors.floats(advantages))
            .policyWeights(TorchTensors.floats(policyWeights))
            .regularizerWeights(TorchTensors.floats(regularizerWeights))
            .build();
    RowStatistics out = RowStatistics.allocateLogProbsAndEntropy(view.rows());
    PolicyLoss.compute(view, batch, config, out, view);
    TorchTensors.backward(logits, logits.detach()); // logits.backward(gradient)
    optimizer.step();
  }

  private static Tensor full(int tokens, double value) {
    return torch.full(new long[] {tokens}, new Scalar(value));
  }

  /** Steps on tensors that nobody else knows, all with the same gradient. */
  private static void repeat(int tokens, int steps) {
    Tensor weights = torch.full(new long[] {4, VOCAB}, new Scalar(0.5)).set_requires_grad(true);
    Model model = new Model(weights);
    Optimizer optimizer = new Optimizer(weights);
    double first = 0;
    for (int step = 0; step < steps; step++) {
      train(
          model,
          optimizer,
          PolicyLossConfig.defaults(),
          torch.ones(tokens, 4),
          torch.zeros(tokens).toType(torch.ScalarType.Long),
          full(tokens, -0.7),
          full(tokens, 1),
          full(tokens, 1.0 / tokens),
          full(tokens, 0));
      first = step == 0 ? optimizer.gradient : first;
      assertEquals(first, optimizer.gradient);
    }
  }

  @Test
  void readme() throws IOException {
    TorchRuntime.load();
    Readme.assertRunBy(TorchExampleTest.class, "TorchTensors.backward");
    repeat(2, SMALL_STEPS);
    try (Collector collector = new Collector()) {
      repeat(LARGE_TOKENS, LARGE_STEPS);
    }
  }
}
