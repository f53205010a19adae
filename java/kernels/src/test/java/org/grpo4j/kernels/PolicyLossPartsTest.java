package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** policy_loss in parts: of the whole vocabulary, and of shards of it. */
class PolicyLossPartsTest {
  private static final List<KlEstimator> ESTIMATORS =
      List.of(KlEstimator.K1, KlEstimator.K2, KlEstimator.K3);

  private Isa before;

  @BeforeEach
  void rememberIsa() {
    before = Kernels.isa();
  }

  @AfterEach
  void restoreIsa() {
    Kernels.use(before);
  }

  /** States, merge, objective and gradient, over 1, 2, 3 and 8 shards, against the formulas. */
  @ParameterizedTest(name = "{0} {1} {2}")
  @MethodSource("org.grpo4j.kernels.ObjectivesTest#cases")
  void partsAndShards(Isa isa, PolicyObjective objective, RatioLevel level) {
    Kernels.use(isa);
    PolicyLossConfig config =
        ObjectivesTest.config(objective, level).klCoef(0.05).entropyCoef(0.01).build();
    for (int shards : new int[] {1, 2, 3, 8}) {
      try (Fixture f = ObjectivesTest.fixture(Fixture.Layout.F32, 1003, 7);
          RowStatistics out = RowStatistics.allocate(f.rows)) {
        PolicyLossMetrics metrics = inShards(f, config, shards, isa, out);
        for (int i = 0; i < f.rows; i++) {
          if (f.masked(i)) {
            out.logProbs().put(i, 0); // shards are read before any weight is known
          }
        }
        Conformance.compare(f, config, out, metrics);
      }
    }
  }

  /**
   * On random batches the fused call is statistics, then the objective, then the gradient: the same
   * statistics and metrics, and gradients apart by their roundings alone.
   */
  @ParameterizedTest(name = "{0} {1} {2}")
  @MethodSource("org.grpo4j.kernels.ObjectivesTest#cases")
  void fusedIsForwardThenObjectiveThenBackward(
      Isa isa, PolicyObjective objective, RatioLevel level) {
    Kernels.use(isa);
    Random random = new Random(TestSeed.of(21));
    for (DType dtype : DType.values()) {
      for (int batch = 0; batch < 3; batch++) {
        int vocab = 1 + random.nextInt(1500);
        Fixture.Layout layout = new Fixture.Layout(dtype, random.nextInt(4), random.nextInt(4));
        PolicyLossConfig config =
            ObjectivesTest.config(objective, level)
                .klCoef(batch == 0 ? 0 : random.nextDouble())
                .klEstimator(ESTIMATORS.get(batch))
                .klBiasCorrected(batch == 1)
                .entropyCoef(batch == 2 ? random.nextDouble() : 0)
                .softCap(batch == 1 ? 5 + 30 * random.nextDouble() : 0)
                .build();
        try (Fixture f = ObjectivesTest.fixture(layout, vocab, 100 + batch);
            RowStatistics fused = RowStatistics.allocate(f.rows);
            RowStatistics parts = RowStatistics.allocate(f.rows)) {
          PolicyLossMetrics one =
              PolicyLoss.compute(f.logits(), f.batch(), config, fused, f.gradient());
          double[][] expected = new double[f.rows][];
          Arrays.setAll(expected, f::gradientRow);
          PolicyLossMetrics two = inShards(f, config, 1, isa, parts);
          sameMetrics(one, two);
          for (int i = 0; i < f.rows; i++) {
            sameRow(f, i, fused, parts, expected[i]);
          }
        }
      }
    }
  }

  /** The objective alone names the scalar set of instructions, of which it is compiled once. */
  private static void sameMetrics(PolicyLossMetrics fused, PolicyLossMetrics parts) {
    assertEquals(
        fused.toString().replaceAll("isa=.*", ""), parts.toString().replaceAll("isa=.*", ""));
  }

  private static void sameRow(
      Fixture f, int i, RowStatistics fused, RowStatistics parts, double[] expected) {
    if (!f.masked(i)) { // the parts' statistics know of no mask
      assertEquals(fused.logProbs().get(i), parts.logProbs().get(i), "logProb of row " + i);
      assertEquals(fused.entropy().get(i), parts.entropy().get(i), "entropy of row " + i);
    }
    DType dtype = f.layout.dtype();
    double[] got = f.gradientRow(i);
    for (int v = 0; v < f.vocab; v++) {
      double tolerance =
          Conformance.betweenTwoWays(dtype) * Math.abs(expected[v])
              + 2 * Elements.smallestStep(dtype);
      assertEquals(expected[v], got[v], tolerance, "row " + i + " element " + v);
    }
  }

  private static PolicyLossMetrics inShards(
      Fixture f, PolicyLossConfig config, int shards, Isa isa, RowStatistics out) {
    PolicyBatch batch = f.batch();
    LogitRows rows = batch.rows(config);
    try (RowStates parts = RowStates.allocate(shards, f.rows);
        RowStates merged = RowStates.allocate(f.rows);
        RowSlopes slopes = RowSlopes.allocate(f.rows)) {
      for (int k = 0; k < shards; k++) {
        int begin = begin(f, shards, k);
        Logits part = f.logits(begin, begin(f, shards, k + 1) - begin);
        VocabShard shard = new VocabShard(begin, f.vocab);
        // Through bytes, as another rank would receive them.
        try (RowStates here = RowStates.allocate(f.rows)) {
          assertEquals(isa, RowStates.compute(part, rows, shard, here, 0));
          byte[] sent = new byte[f.rows * RowStates.BYTES];
          here.bytes(0).get(sent);
          parts.bytes(k).put(sent, 0, sent.length);
        }
      }
      MergeStates.compute(parts, rows, merged, out);
      PolicyLossMetrics metrics = Objective.compute(batch, config, out, slopes);
      for (int k = 0; k < shards; k++) {
        int begin = begin(f, shards, k);
        int columns = begin(f, shards, k + 1) - begin;
        LogitsGradient.compute(
            f.logits(begin, columns),
            rows,
            new VocabShard(begin, f.vocab),
            merged,
            slopes,
            f.gradient(begin, columns));
      }
      return metrics;
    }
  }

  /** Shards of unequal sizes. */
  private static int begin(Fixture f, int shards, int k) {
    return k == shards ? f.vocab : k * (f.vocab / shards) - (k > 0 ? 5 : 0);
  }
}
