package org.grpo4j.benchmarks;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.grpo4j.kernels.Kernels;
import org.grpo4j.kernels.Logits;
import org.grpo4j.kernels.PolicyBatch;
import org.grpo4j.kernels.PolicyLoss;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.kernels.RowStatistics;
import org.grpo4j.kernels.TokenStats;
import org.grpo4j.torch.TorchRuntime;
import org.grpo4j.torch.TorchTensors;

/**
 * One batch of logits in libtorch's memory, and everything that is timed on it, on the same
 * threads.
 *
 * <p>The clip bounds are so wide that no row is clipped: a clipped row's gradient is 0, which would
 * make the kernel look faster than it is.
 */
final class LossBatch {
  private static final double BOUND = 1e6;
  private static final double ENTROPY_COEF = 0.01;

  private final long rows;
  private final long vocab;
  private final Tensor logits;
  private final Tensor targets;
  private final Tensor oldLogProbs;
  private final Tensor advantages;
  private final Tensor weights;
  private final RowStatistics out;
  private final PolicyBatch batch;
  private final PolicyLossConfig config =
      PolicyLossConfig.builder().clipLow(BOUND).clipHigh(BOUND).entropyCoef(ENTROPY_COEF).build();

  LossBatch(long rows, long vocab, String dtype, int threads) {
    TorchRuntime.configureThreads(threads);
    Kernels.setThreads(threads);
    this.rows = rows;
    this.vocab = vocab;
    ScalarType type = dtype.equals("bf16") ? ScalarType.BFloat16 : ScalarType.Float;
    logits = torch.zeros(rows, vocab).uniform_().mul(new Scalar(8.0)).toType(type);
    targets = torch.zeros(rows).uniform_().mul(new Scalar(vocab - 1.0)).toType(ScalarType.Long);
    oldLogProbs = torch.zeros(rows).sub(new Scalar(12.0));
    advantages = torch.zeros(rows).uniform_().sub(new Scalar(0.5));
    weights = torch.zeros(rows).add(new Scalar(1.0 / rows));
    out = RowStatistics.allocate(rows);
    batch =
        new PolicyBatch(
            TorchTensors.longs(targets),
            TorchTensors.floats(oldLogProbs),
            null,
            TorchTensors.floats(advantages),
            TorchTensors.floats(weights),
            TorchTensors.floats(weights),
            null);
  }

  /** Bytes of the logits: read once by token_stats, read once and written once by policy_loss. */
  static double bytes(long rows, long vocab, String dtype) {
    return (double) rows * vocab * (dtype.equals("bf16") ? 2 : 4);
  }

  PolicyLossMetrics policyLoss() {
    Logits view = TorchTensors.logits(logits);
    return PolicyLoss.compute(view, batch, config, out, view);
  }

  RowStatistics tokenStats() {
    TokenStats.compute(TorchTensors.logits(logits), batch.targets(), null, 1, out);
    return out;
  }

  /** Reads and writes every logit once: the in-place copy that the kernel is measured against. */
  Tensor copyInPlace() {
    return logits.mul_(new Scalar(1.0));
  }

  /** The same loss as a chain of torch operations, and autograd's backward pass. */
  Tensor torchPolicyLoss() {
    Tensor leaf = logits.detach().set_requires_grad(true);
    Tensor logP = torch.log_softmax(leaf, 1);
    Tensor logProbs = logP.gather(1, targets.unsqueeze(1)).squeeze(1).toType(ScalarType.Float);
    Tensor ratio = logProbs.sub(oldLogProbs).exp();
    Tensor clipped =
        ratio.clamp(
            new ScalarOptional(new Scalar(1 - BOUND)), new ScalarOptional(new Scalar(1 + BOUND)));
    Tensor loss = torch.minimum(ratio.mul(advantages), clipped.mul(advantages)).neg();
    Tensor entropy = logP.exp().mul(logP).sum(1).neg().toType(ScalarType.Float);
    Tensor total = loss.sub(entropy.mul(new Scalar(ENTROPY_COEF))).mul(weights).sum();
    total.backward();
    return leaf.grad();
  }

  /** Log-prob of the target and entropy as torch operations, forward only. */
  Tensor torchTokenStats() {
    Tensor logP = torch.log_softmax(logits, 1);
    Tensor logProbs = logP.gather(1, targets.unsqueeze(1)).squeeze(1);
    return logProbs.add(logP.exp().mul(logP).sum(1));
  }

  @Override
  public String toString() {
    return rows + " x " + vocab;
  }
}
