package org.grpo4j.kernels;

import static org.grpo4j.kernels.Refusals.ramp;
import static org.grpo4j.kernels.Refusals.refused;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.grpo4j.kernels.GroupAdvantages.Estimator;
import org.grpo4j.kernels.RegionWeights.Order;
import org.junit.jupiter.api.Test;

/** The operations beside policy_loss: each of their checks, flags and statuses by itself. */
class PartEdgesTest {
  private static final int N = 3;
  private static final int V = 10;

  private final FloatPointer memory = ramp(N * V);
  private final FloatPointer gradientMemory = ramp(N * V);
  private final Logits logits = Logits.of(memory, DType.F32, N, V);
  private final Logits gradient = Logits.of(gradientMemory, DType.F32, N, V);
  private final LongPointer targets = new LongPointer(0, 1, 2);
  private final LogitRows rows = LogitRows.all(targets, 1);
  private final VocabShard whole = VocabShard.whole(logits);
  private final RowStatistics out = RowStatistics.allocate(N);

  private PolicyBatch batch(FloatPointer advantages) {
    return new PolicyBatch(targets, null, null, advantages, ramp(N), ramp(N), null);
  }

  private RowStates merged() {
    RowStates states = RowStates.allocate(N);
    RowStates.compute(logits, rows, whole, states, 0);
    MergeStates.compute(states, rows, states, out);
    return states;
  }

  @Test
  void gradientsOfShards() {
    try (RowStates states = merged();
        RowSlopes slopes = RowSlopes.allocate(N);
        RowSlopes few = RowSlopes.allocate(2)) {
      for (int i = 0; i < N; i++) {
        slopes.set(i, i + 1.0, 0);
      }
      float[] before = new float[N * V];
      gradientMemory.get(before);
      LogitsGradient.accumulate(logits, rows, whole, states, slopes, gradient);
      float[] sum = new float[N * V];
      gradientMemory.get(sum);
      LogitsGradient.compute(logits, rows, whole, states, slopes, gradient);
      for (int e = 0; e < N * V; e++) {
        assertEquals(before[e] + gradientMemory.get(e), sum[e], 1e-6f);
      }
      refused(
          "gradient is the logits' memory",
          () -> LogitsGradient.accumulate(logits, rows, whole, states, slopes, logits));
      refused(
          "have more than the 9",
          () ->
              LogitsGradient.compute(
                  logits, rows, new VocabShard(3, 12), states, slopes, gradient));
      refused(
          "slopes has shape [2]",
          () -> LogitsGradient.compute(logits, rows, whole, states, few, gradient));
      LogitRows falling = new LogitRows(targets, new LongPointer(0, 2, 1), 1, null);
      refused(
          "strictly increasing",
          () -> LogitsGradient.compute(logits, falling, whole, states, slopes, gradient));
    }
  }

  @Test
  void merges() {
    try (RowStates states = merged()) {
      LogitRows two = new LogitRows(targets, null, 1, ramp(2));
      refused("temperatures has shape [2]", () -> MergeStates.compute(states, two, states, out));
      memory.put(V, Float.NaN);
      RowStates.compute(logits, rows, whole, states, 0); // no error before the merge
      KernelException e =
          assertThrows(KernelException.class, () -> MergeStates.compute(states, rows, states, out));
      assertArrayEquals(new long[] {1, 1}, new long[] {e.badRows(), e.firstBadRow()});
    }
  }

  @Test
  void objectives() {
    TokenStats.compute(logits, rows, out);
    PolicyLossConfig config = PolicyLossConfig.defaults();
    PolicyLossConfig zeroing = PolicyLossConfig.builder().zeroBadRows(true).build();
    FloatPointer infinite = new FloatPointer(1f, Float.POSITIVE_INFINITY, 1f);
    try (RowSlopes slopes = RowSlopes.allocate(N);
        RowStatistics few = RowStatistics.allocate(2)) {
      refused(
          "advantages has shape [2]", () -> Objective.compute(batch(ramp(2)), config, out, slopes));
      refused(
          "out.logProbs has shape [2]",
          () -> Objective.compute(batch(ramp(N)), config, few, slopes));
      KernelException e =
          assertThrows(
              KernelException.class, () -> Objective.compute(batch(infinite), config, out, slopes));
      assertEquals(1, e.firstBadRow());
      TokenStats.compute(logits, rows, out);
      assertEquals(1, Objective.compute(batch(infinite), zeroing, out, slopes).badRows());
      assertEquals(0, out.logProbs().get(1));
      assertEquals(2 * N, slopes.values().limit());
      refused("slopes of row 0", () -> slopes.set(0, 0, Double.NaN));
    }
    RowSlopes closed = RowSlopes.allocate(N);
    closed.close();
    refused("slopes were closed", () -> closed.g(0));
  }

  /** Both levels with a sequence's ratio need the workspace of two visits. */
  @Test
  void everyLevelRuns() {
    for (RatioLevel level : RatioLevel.values()) {
      PolicyLossConfig config = PolicyLossConfig.builder().ratioLevel(level).build();
      PolicyBatch sequences = batch(ramp(N)).withSequences(new LongPointer(0, 1, 3), false);
      assertEquals(N, PolicyLoss.compute(logits, sequences, config, out, gradient).rows());
    }
  }

  @Test
  void statistics() {
    PolicyLossConfig config = PolicyLossConfig.defaults();
    FloatPointer n = ramp(N);
    FloatPointer two = ramp(2);
    for (RowStatistics wrong :
        List.of(
            new RowStatistics(two, n, n, n),
            new RowStatistics(n, two, n, n),
            new RowStatistics(n, n, two, n),
            new RowStatistics(n, n, n, two))) {
      refused(
          "has shape [2]: want [3]",
          () -> PolicyLoss.compute(logits, batch(ramp(N)), config, wrong, gradient));
      refused("has shape [2]: want [3]", () -> TokenStats.compute(logits, rows, wrong));
    }
    refused("logProbs has shape [2]", () -> TokenStats.logProbs(logits, rows, two));
    RowStatistics released = RowStatistics.allocate(N);
    released.close();
    assertTrue(
        released.logProbs().isNull()
            && released.entropy().isNull()
            && Objects.requireNonNull(released.lse()).isNull()
            && Objects.requireNonNull(released.sumSquares()).isNull());
    refused("statistics have shape", () -> RowStatistics.allocate(Long.MAX_VALUE));
  }

  @Test
  void advantages() {
    GroupAdvantages whitened = GroupAdvantages.of(Estimator.REINFORCE_PLUS_PLUS_BASELINE);
    assertEquals(1e-6, whitened.epsilon());
    LongPointer groups = new LongPointer(0, 3);
    refused("lengths is null", () -> whitened.compute(groups, ramp(N), null, ramp(N)));
    refused(
        "lengths[1] is -1",
        () -> whitened.compute(groups, ramp(N), new IntPointer(1, -1, 1), ramp(N)));
    refused(
        "advantages has shape [2]",
        () -> whitened.compute(groups, ramp(N), new IntPointer(1, 1, 1), ramp(2)));
    refused(
        "epsilon is Infinity",
        () ->
            new GroupAdvantages(
                Estimator.GRPO, GroupAdvantages.Scale.GROUP, Double.POSITIVE_INFINITY));
  }

  @Test
  void regions() {
    List<Double> one = List.of(1.0);
    refused(
        "regionWeights has shape [9]",
        () -> new RegionWeights(Collections.nCopies(9, 1.0), 0.1, 8, Order.CLAMP_THEN_MEAN));
    refused(
        "regionWeights has Infinity",
        () -> new RegionWeights(List.of(Double.POSITIVE_INFINITY), 0.1, 8, Order.CLAMP_THEN_MEAN));
    refused("max is 0.05", () -> new RegionWeights(one, 0.1, 0.05, Order.CLAMP_THEN_MEAN));
    RegionWeights weights = new RegionWeights(one, 0.1, 8, Order.CLAMP_THEN_MEAN);
    LongPointer offsets = new LongPointer(0, 3);
    BytePointer tokens = new BytePointer((byte) 1, (byte) 1, (byte) 1);
    refused(
        "completionMask has shape [2]", () -> weights.compute(offsets, tokens, ramp(2), ramp(N)));
    refused("weights has shape [2]", () -> weights.compute(offsets, tokens, null, ramp(2)));
  }
}
