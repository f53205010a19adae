package org.grpo4j.benchmarks;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.grpo4j.kernels.DType;
import org.grpo4j.kernels.Isa;
import org.grpo4j.kernels.LogitRows;
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
 * A batch on the shared logits, and the operations that take it, on the same threads.
 *
 * <p>The clip bounds are so wide that no row is clipped, and the old log-probs are near the new
 * ones: a clipped row's gradient is 0, which would make the kernel look faster than it is.
 */
final class LossBatch {
  private static final double BOUND = 1e6;

  /** That the states of a row are merged of. */
  static final int SHARDS = 8;

  private final BatchCase of;
  private final SharedLogits shared;
  private final MemoryPass pass;
  private final PolicyLossConfig config;
  private final RowStatistics out;
  private final PolicyBatch batch;
  private final LogitRows rows;
  private final TorchLoss torchLoss;
  private final RowStates states;
  private final RowStates shards;
  private final RowStates merged;
  private final RowSlopes slopes;

  LossBatch(BatchCase of, SharedLogits shared, MemoryPass pass) {
    this.of = of;
    this.shared = shared;
    this.pass = pass;
    TorchRuntime.configureThreads(of.threads());
    config =
        PolicyLossConfig.builder()
            .clipLow(BOUND)
            .clipHigh(BOUND)
            .entropyCoef(of.entropyCoef())
            .build();
    long n = of.rows();
    // Σp² is left out where it isn't asked for: TRL and torch's chain do not compute it either.
    out =
        new RowStatistics(
            new FloatPointer(n),
            new FloatPointer(n),
            null,
            of.sumSquares() ? new FloatPointer(n) : null);
    states = RowStates.allocate(n);
    shards = RowStates.allocate(SHARDS, n);
    merged = RowStates.allocate(n);
    slopes = RowSlopes.allocate(n);
    Tensor oldLogProbs = torch.zeros(n);
    TokenStats.logProbs(
        view(),
        LogitRows.all(TorchTensors.longs(shared.targets()), 1),
        TorchTensors.floats(oldLogProbs));
    torchLoss =
        new TorchLoss(
            shared.targets(),
            oldLogProbs.sub_(torch.zeros(n).uniform_().mul(new Scalar(0.2))),
            torch.zeros(n).uniform_().sub(new Scalar(0.5)),
            torch.zeros(n).add(new Scalar(1.0 / n)));
    FloatPointer weights = TorchTensors.floats(torchLoss.weights());
    batch =
        new PolicyBatch(
            TorchTensors.longs(shared.targets()),
            TorchTensors.floats(torchLoss.oldLogProbs()),
            null,
            TorchTensors.floats(torchLoss.advantages()),
            weights,
            weights,
            null);
    rows = batch.rows(config);
    prepareParts();
  }

  /** What the parts after the first read: states of the whole and of its shards, and slopes. */
  private void prepareParts() {
    rowStates();
    long width = of.vocab() / SHARDS;
    DType dtype = view().dtype();
    for (int shard = 0; shard < SHARDS; shard++) {
      long begin = shard * width;
      long vocab = shard == SHARDS - 1 ? of.vocab() - begin : width;
      Logits part =
          Logits.of(
              shared.memory().position(begin * dtype.bytes()), dtype, of.rows(), vocab, of.vocab());
      RowStates.compute(part, rows, new VocabShard(begin, of.vocab()), shards, shard);
    }
    MergeStates.compute(states, rows, states, out);
    objective();
  }

  private Logits view() {
    return TorchTensors.logits(shared.logits());
  }

  /** Puts back the logits that an operation in place has overwritten. */
  void restore() {
    shared.restore();
  }

  PolicyLossMetrics policyLoss() {
    Logits view = view();
    return PolicyLoss.compute(view, batch, config, out, view);
  }

  Isa tokenStats() {
    return TokenStats.compute(view(), rows, out);
  }

  Isa logProbs() {
    return TokenStats.logProbs(view(), rows, out.logProbs());
  }

  Isa rowStates() {
    Logits view = view();
    return RowStates.compute(view, rows, VocabShard.whole(view), states, 0);
  }

  /** Of eight shards. */
  RowStates mergeStates() {
    MergeStates.compute(shards, rows, merged, out);
    return merged;
  }

  PolicyLossMetrics objective() {
    return Objective.compute(batch, config, out, slopes);
  }

  /** The gradient alone, in place, from states and slopes of the first logits. */
  Isa logitsGradient() {
    Logits view = view();
    return LogitsGradient.compute(view, rows, VocabShard.whole(view), states, slopes, view);
  }

  TorchLoss.Graph torchForward() {
    return torchLoss.forward(shared.logits(), BOUND, of.entropyCoef());
  }

  Tensor torchTokenStats() {
    return torchLoss.tokenStats(shared.logits());
  }

  /** Reads every byte once, as floats whatever they are. */
  Tensor readByLibtorch() {
    return shared.logits().view(torch.ScalarType.Float).max();
  }

  /**
   * Reads and writes every byte once, as floats whatever they are: libtorch's own pass over bf16
   * takes as long as one over f32.
   */
  Tensor passByLibtorch() {
    return shared.logits().view(torch.ScalarType.Float).mul_(new Scalar(1.0));
  }

  void readByMemcpy() {
    pass.read(shared.memory());
  }

  void passByMemcpy() {
    pass.copyInPlace(shared.memory());
  }
}
