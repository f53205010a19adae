package org.grpo4j.trainer.recipe;

import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.grpo4j.kernels.Logits;
import org.grpo4j.kernels.PolicyLoss;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.kernels.RowStatistics;
import org.grpo4j.torch.TorchTensors;
import org.jspecify.annotations.Nullable;

/** Forward, kernel, backward; gradients add up in the policy's parameters. */
final class PolicyGradient {
  private final Policy policy;
  private final PolicyLossConfig config;

  PolicyGradient(Policy policy, PolicyLossConfig config) {
    this.policy = policy;
    this.config = config;
  }

  /**
   * Adds the gradient of one micro-batch.
   *
   * @param terms completions with the weights of their tokens
   * @param listener is told of every token with a weight
   * @return null where no token has one
   */
  @Nullable PolicyLossMetrics add(List<MicroBatch.TokenTerms> terms, TokenListener listener) {
    try (PointerScope scope = new PointerScope()) {
      MicroBatch micro = MicroBatch.of(terms, policy.padToken());
      if (micro == null) {
        return null;
      }
      Tensor logits = micro.logits(policy.model());
      Logits view = TorchTensors.logits(logits);
      RowStatistics statistics = RowStatistics.allocate(micro.rows());
      // In place: afterwards the logits' memory holds the gradient.
      PolicyLossMetrics loss = PolicyLoss.compute(view, micro.loss(), config, statistics, view);
      TorchTensors.backward(logits, logits.detach());
      RegionGradients.forEachToken(terms, micro.loss(), config, statistics, listener);
      return loss;
    }
  }
}
