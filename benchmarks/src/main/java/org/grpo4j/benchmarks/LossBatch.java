package org.grpo4j.benchmarks;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.grpo4j.kernels.Isa;
import org.grpo4j.kernels.Kernels;
import org.grpo4j.kernels.Logits;
import org.grpo4j.kernels.LogitsGradient;
import org.grpo4j.kernels.MergeStates;
import org.grpo4j.kernels.Objective;
import org.grpo4j.kernels.PolicyBatch;
import org.grpo4j.kernels.PolicyLoss;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.kernels.RowSlopes;
import org.grpo4j.kernels.RowStates;
import org.grpo4j.kernels.RowStatistics;
import org.grpo4j.kernels.TokenStats;
import org.grpo4j.kernels.VocabShard;
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

  private final long rows;
  private final long vocab;
  private final Tensor logits;
  private final Tensor targets;
  private final Tensor oldLogProbs;
  private final Tensor advantages;
  private final Tensor weights;
  private final RowStatistics out;
  private final PolicyBatch batch;
  private final PolicyLossConfig config;
  private final RowStates states;
  private final RowSlopes slopes;

  LossBatch(long rows, long vocab, String dtype, int threads, double entropyCoef) {
    config =
        PolicyLossConfig.builder().clipLow(BOUND).clipHigh(BOUND).entropyCoef(entropyCoef).build();
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
    // Σp² is left out: TRL and torch's chain do not compute it either.
    out = new RowStatistics(new FloatPointer(rows), new FloatPointer(rows), null, null);
    states = RowStates.allocate(rows);
    slopes = RowSlopes.allocate(rows);
    batch =
        new PolicyBatch(
            TorchTensors.longs(targets),
            TorchTensors.floats(oldLogProbs),
            null,
            TorchTensors.floats(advantages),
            TorchTensors.floats(weights),
            TorchTensors.floats(weights),
            null);
    RowStates.compute(
        TorchTensors.logits(logits), batch.rows(config), VocabShard.whole(view()), states, 0);
    MergeStates.compute(states, batch.rows(config), states, out);
    Objective.compute(batch, config, out, slopes);
  }

  private Logits view() {
    return TorchTensors.logits(logits);
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

  /** The gradient alone, in place, from states and slopes of the first logits. */
  Isa logitsGradient() {
    return LogitsGradient.compute(
        view(), batch.rows(config), VocabShard.whole(view()), states, slopes, view());
  }

  /** Reads every byte once, as floats whatever they are. */
  Tensor readOnly() {
    return logits.view(ScalarType.Float).max();
  }

  /**
   * Reads and writes every byte once, as floats whatever they are: libtorch's own pass over bf16
   * takes as long as one over f32. The in-place copy that the kernel is measured against.
   */
  Tensor copyInPlace() {
    return logits.view(ScalarType.Float).mul_(new Scalar(1.0));
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
    // As in TRL: where it has no coefficient, the entropy is a metric without a gradient.
    Tensor counted = config.entropyCoef() == 0 ? logP.detach() : logP;
    Tensor entropy = counted.exp().mul(counted).sum(1).neg().toType(ScalarType.Float);
    Tensor total = loss.sub(entropy.mul(new Scalar(config.entropyCoef()))).mul(weights).sum();
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
