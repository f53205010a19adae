package org.grpo4j.trainer.recipe;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.grpo4j.kernels.PolicyBatch;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.kernels.RowStatistics;
import org.grpo4j.torch.TensorKernels;
import org.grpo4j.torch.TorchTensors;
import org.grpo4j.trainer.config.OptimizerSettings;
import org.grpo4j.trainer.rollout.TokenBatches;

/**
 * Cross entropy on reference answers, through the same kernel: on policy (ratio 1) with advantage 1
 * the policy loss has the gradient of −log p(token).
 */
final class SftTraining {
  /**
   * A prompt and its answer as one sequence.
   *
   * @param tokens of both, the end token included
   * @param firstTrained index of the first token in the loss, at least 1
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Row(long[] tokens, int firstTrained) {
    int trained() {
      return tokens.length - firstTrained;
    }
  }

  /**
   * What one optimizer step measured.
   *
   * @param loss mean −log p over its trained tokens, nats
   * @param entropy mean entropy there
   * @param gradNorm global norm before clipping
   * @param learningRate that was used
   */
  record Update(double loss, double entropy, double gradNorm, double learningRate) {}

  private final Policy policy;
  private final List<Row> rows;
  private final OptimizerSettings settings;
  private final PolicyOptimizer optimizer;
  private final ShuffledOrder order;
  private final PolicyLossConfig lossConfig = PolicyLossConfig.defaults();
  private TrainerState state;

  SftTraining(
      Policy policy,
      List<Row> rows,
      OptimizerSettings settings,
      PolicyOptimizer optimizer,
      TrainerState state,
      long seed) {
    this.policy = policy;
    this.rows = List.copyOf(rows);
    this.settings = settings;
    this.optimizer = optimizer;
    this.state = state;
    this.order = new ShuffledOrder(rows.size(), seed);
  }

  TrainerState state() {
    return state;
  }

  /** One optimizer step on the next rows. */
  Update step() {
    long started = System.nanoTime();
    int micro = settings.perDeviceTrainBatchSize();
    int size = micro * settings.gradientAccumulationSteps();
    List<Row> batch = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      batch.add(rows.get(order.at(state.promptsDrawn() + i)));
    }
    long trained = batch.stream().mapToLong(Row::trained).sum();
    double[] sums = new double[2];
    for (int from = 0; from < size; from += micro) {
      backward(batch.subList(from, from + micro), 1.0 / trained, sums);
    }
    double rate = optimizer.learningRate(state.step());
    double norm = optimizer.step(state.step());
    long tokens = batch.stream().mapToLong(r -> r.tokens().length).sum();
    state =
        state.drawn(size, tokens, trained).nextStep().after((System.nanoTime() - started) * 1e-9);
    return new Update(sums[0], sums[1], norm, rate);
  }

  private void backward(List<Row> batch, double weight, double[] sums) {
    try (PointerScope scope = new PointerScope()) {
      List<long[]> tokens = batch.stream().map(Row::tokens).toList();
      int longest = tokens.stream().mapToInt(t -> t.length).max().orElseThrow();
      int n = batch.stream().mapToInt(Row::trained).sum();
      long[] positions = new long[n];
      long[] targets = new long[n];
      int row = 0;
      for (int b = 0; b < batch.size(); b++) {
        for (int t = batch.get(b).firstTrained(); t < tokens.get(b).length; t++) {
          positions[row] = (long) b * longest + t - 1;
          targets[row++] = tokens.get(b)[t];
        }
      }
      TensorKernels kernels = policy.kernels();
      PolicyBatch loss = kernels.place(batch(targets, (float) weight));
      TensorKernels.Statistics statistics = kernels.statistics(n);
      Tensor hidden =
          policy
              .model()
              .hidden(
                  TokenBatches.rightPadded(tokens, policy.padToken()),
                  TokenBatches.rightMask(tokens));
      Tensor flat = hidden.reshape(-1, hidden.size(-1));
      Tensor trained = kernels.device().move(TokenBatches.vector(positions));
      Tensor logits = policy.model().logits(flat.index_select(0, trained));
      Supplier<PolicyLossMetrics> metrics =
          kernels.policyLoss(logits, loss, lossConfig, statistics);
      TorchTensors.backward(logits, logits.detach());
      PolicyLossMetrics unused = metrics.get(); // Bad rows become an exception here.
      RowStatistics rowStatistics = statistics.read();
      for (int i = 0; i < n; i++) {
        sums[0] -= weight * rowStatistics.logProbs().get(i);
        sums[1] += weight * rowStatistics.entropy().get(i);
      }
    }
  }

  /** On policy, with advantage 1: the gradient is that of cross entropy. */
  private static PolicyBatch batch(long[] targets, float weight) {
    int n = targets.length;
    return new PolicyBatch(
        new LongPointer(targets), null, null, filled(n, 1), filled(n, weight), filled(n, 0), null);
  }

  private static FloatPointer filled(int n, float value) {
    float[] values = new float[n];
    Arrays.fill(values, value);
    return new FloatPointer(values);
  }
}
