package org.grpo4j.trainer.recipe;

import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.grpo4j.kernels.PolicyBatch;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.torch.TensorKernels;
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
      TensorKernels kernels = policy.kernels();
      PolicyBatch batch = kernels.place(micro.loss());
      TensorKernels.Statistics statistics = kernels.statistics(micro.rows());
      Tensor logits = micro.logits(policy.model());
      // In place: afterwards the logits' memory holds the gradient.
      Supplier<PolicyLossMetrics> loss = kernels.policyLoss(logits, batch, config, statistics);
      TorchTensors.backward(logits, logits.detach());
      // On a GPU the first wait, when everything is enqueued.
      PolicyLossMetrics metrics = loss.get();
      RegionGradients.forEachToken(terms, micro.loss(), config, statistics.read(), listener);
      return metrics;
    }
  }
}
