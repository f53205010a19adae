package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every objective at every level of the ratio. */
class ObjectivesTest {
  static final List<PolicyObjective> OBJECTIVES =
      List.of(
          new PolicyObjective.Clip(0.2, 0.28, 1.3, 1.5),
          PolicyObjective.clip(),
          new PolicyObjective.Cispo(1.2),
          new PolicyObjective.Sapo(),
          new PolicyObjective.Gpg(),
          new PolicyObjective.Gmpo(0.3, 0.4),
          new PolicyObjective.Vespo());

  private Isa before;
  private int threadsBefore;

  @BeforeEach
  void remember() {
    before = Kernels.isa();
    threadsBefore = Kernels.threads();
  }

  @AfterEach
  void restore() {
    Kernels.use(before);
    Kernels.setThreads(threadsBefore);
  }

  static boolean defined(PolicyObjective objective, RatioLevel level) {
    return level == RatioLevel.SEQUENCE
        || !(objective instanceof PolicyObjective.Gmpo
            || objective instanceof PolicyObjective.Vespo);
  }

  static Stream<Arguments> cases() {
    List<Arguments> cases = new ArrayList<>();
    for (Isa isa : Emulated.isas()) {
      for (PolicyObjective objective : OBJECTIVES) {
        for (RatioLevel level : RatioLevel.values()) {
          if (defined(objective, level)) {
            cases.add(Arguments.of(isa, objective, level));
          }
        }
      }
    }
    return cases.stream();
  }

  static PolicyLossConfig.Builder config(PolicyObjective objective, RatioLevel level) {
    return PolicyLossConfig.builder().objective(objective).ratioLevel(level).temperature(0.9);
  }

  /**
   * Sequences of one row, of five with a masked one among them, of none, of three, and one of three
   * masked rows.
   */
  static Fixture fixture(Fixture.Layout layout, int vocab, long seed) {
    Fixture f = new Fixture(layout, 12, vocab, 2, seed);
    f.sequenceOffsets = new long[] {0, 1, 6, 6, 9, 12};
    for (int i : new int[] {3, 9, 10, 11}) {
      f.policyWeights[i] = 0;
      f.regWeights[i] = 0;
    }
    f.policyWeights[7] = 0; // KL and bonus only: it still counts in its sequence
    for (int i = 1; i < 6; i++) {
      f.advantages[i] = -1.5f;
    }
    f.advantages[8] = 0;
    return f;
  }

  @ParameterizedTest(name = "{0} {1} {2}")
  @MethodSource("cases")
  void matchesTheFormulas(Isa isa, PolicyObjective objective, RatioLevel level) {
    Kernels.use(isa);
    List<PolicyLossConfig> configs =
        List.of(
            config(objective, level).build(),
            config(objective, level).klCoef(0.05).entropyCoef(0.01).build(),
            config(objective, level).klCoef(0.2).klBiasCorrected(true).build());
    for (Fixture.Layout layout : List.of(Fixture.Layout.F32, Fixture.Layout.BF16)) {
      for (PolicyLossConfig config : configs) {
        for (int seed = 1; seed <= 3; seed++) {
          try (Fixture f = fixture(layout, 131, seed)) {
            Conformance.check(f, config, isa);
          }
        }
      }
    }
  }

  /**
   * Ratios at every bound exactly and a step of a float to either side: old log-probs are the
   * policy's own, shifted by a number that a float holds.
   */
  @ParameterizedTest(name = "{0} {1} {2}")
  @MethodSource("cases")
  void ratiosAtTheClipEdges(Isa isa, PolicyObjective objective, RatioLevel level) {
    Kernels.use(isa);
    PolicyObjective edged = withEdges(objective);
    for (Fixture.Layout layout : List.of(Fixture.Layout.F32, Fixture.Layout.BF16)) {
      try (Fixture f = new Fixture(layout, 24, 67, 2, 22);
          RowStatistics out = RowStatistics.allocate(f.rows)) {
        f.sequenceOffsets = new long[f.rows + 1]; // one row each: its ratio is the sequence's
        Arrays.setAll(f.sequenceOffsets, i -> i);
        PolicyLossConfig config = config(edged, level).build();
        TokenStats.compute(f.logits(), f.batch().rows(config), out);
        for (int i = 0; i < f.rows; i++) {
          float edge = (i % 4 - 1) * 0.25f; // -0.25, 0, 0.25, 0.5
          float old = out.logProbs().get(i) - edge;
          f.old[i] = i < 8 ? old : i < 16 ? Math.nextUp(old) : Math.nextDown(old);
          f.advantages[i] = i / 4 % 2 == 0 ? 1.25f : -0.75f;
        }
        Conformance.check(f, config, isa);
      }
    }
  }

  /** Bounds at e^-0.25, e^0.25 and, for the dual clip, e^0.5. */
  private static PolicyObjective withEdges(PolicyObjective objective) {
    double high = Math.exp(0.25);
    if (objective instanceof PolicyObjective.Clip clip) {
      boolean bounded = Double.isFinite(clip.delta());
      return new PolicyObjective.Clip(
          1 - Math.exp(-0.25),
          high - 1,
          bounded ? Math.exp(0.5) : clip.dualClip(),
          bounded ? 1 : clip.delta());
    }
    return objective instanceof PolicyObjective.Cispo
        ? new PolicyObjective.Cispo(high)
        : objective instanceof PolicyObjective.Gmpo
            ? new PolicyObjective.Gmpo(0.25, 0.25)
            : objective;
  }

  @ParameterizedTest(name = "{0} {1} {2}")
  @MethodSource("cases")
  void sameBitsForAnyThreads(Isa isa, PolicyObjective objective, RatioLevel level) {
    Kernels.use(isa);
    PolicyLossConfig config = config(objective, level).klCoef(0.05).build();
    try (Fixture f = fixture(Fixture.Layout.F32, 30011, 5);
        RowStatistics out = RowStatistics.allocate(f.rows)) {
      Kernels.setThreads(1);
      PolicyLossMetrics serial =
          PolicyLoss.compute(f.logits(), f.batch(), config, out, f.gradient());
      double[] expected = f.gradientRow(4);
      for (int threads : new int[] {2, 5}) {
        Kernels.setThreads(threads);
        assertEquals(serial, PolicyLoss.compute(f.logits(), f.batch(), config, out, f.gradient()));
        assertArrayEquals(expected, f.gradientRow(4));
      }
      // In place, over the logits.
      assertEquals(serial, PolicyLoss.compute(f.logits(), f.batch(), config, out, f.logits()));
      assertArrayEquals(expected, f.logitsRow(4));
    }
  }

  @Test
  void unitsAreSequences() {
    try (Fixture f = fixture(Fixture.Layout.F32, 50, 3);
        RowStatistics out = RowStatistics.allocate(f.rows)) {
      PolicyLossConfig gspo = config(PolicyObjective.clip(), RatioLevel.SEQUENCE).build();
      PolicyLossMetrics m = PolicyLoss.compute(f.logits(), f.batch(), gspo, out, f.gradient());
      assertEquals(3, m.units()); // the empty one and the masked one have no ratio
      assertEquals(8, m.rows());
      double mean = 0;
      for (int i = 6; i < 9; i++) {
        mean += ((double) out.logProbs().get(i) - f.old[i]) / 3;
      }
      assertTrue(m.ratioMin() <= Math.exp(mean) && Math.exp(mean) <= m.ratioMax());
    }
  }

  @ParameterizedTest
  @MethodSource("org.grpo4j.kernels.PolicyLossTest#isas")
  void intTargetsAndATemperaturePerRow(Isa isa) {
    Kernels.use(isa);
    for (RatioLevel level : List.of(RatioLevel.TOKEN, RatioLevel.SEQUENCE)) {
      try (Fixture f = fixture(Fixture.Layout.F32, 501, 4)) {
        f.intTargets = true;
        f.temperatures = new float[f.rows];
        for (int i = 0; i < f.rows; i++) {
          f.temperatures[i] = 0.6f + 0.1f * i;
        }
        PolicyLossConfig config =
            config(PolicyObjective.clip(), level).klCoef(0.1).entropyCoef(0.02).build();
        Conformance.check(f, config, isa);
      }
    }
  }

  @Test
  void advantagesPerSequence() {
    try (Fixture f = fixture(Fixture.Layout.F32, 60, 5);
        RowStatistics out = RowStatistics.allocate(f.rows)) {
      float[] perSequence = {0.5f, -1.5f, 9f, 2f, -1f};
      long[] offsets = {0, 1, 6, 6, 9, 12}; // the fixture's
      for (int b = 0; b < 5; b++) {
        for (long i = offsets[b]; i < offsets[b + 1]; i++) {
          f.advantages[(int) i] = perSequence[b];
        }
      }
      PolicyLossConfig config = config(PolicyObjective.clip(), RatioLevel.SEQUENCE).build();
      PolicyBatch perRow = f.batch();
      PolicyLossMetrics expected =
          PolicyLoss.compute(f.logits(), perRow, config, out, f.gradient());
      double[] gradient = f.gradientRow(7);
      PolicyBatch shared =
          new PolicyBatch(
                  perRow.targets(),
                  perRow.oldLogProbs(),
                  perRow.refLogProbs(),
                  new FloatPointer(perSequence),
                  perRow.policyWeights(),
                  perRow.regularizerWeights(),
                  null)
              .withSequences(Fixture.longs(offsets), true);
      assertEquals(expected, PolicyLoss.compute(f.logits(), shared, config, out, f.gradient()));
      assertArrayEquals(gradient, f.gradientRow(7));
    }
  }

  /** One bad token makes its whole sequence's ratio unusable only where its slope does. */
  @Test
  void aBadRowLeavesItsSequence() {
    try (Fixture f = fixture(Fixture.Layout.F32, 40, 6);
        RowStatistics out = RowStatistics.allocate(f.rows)) {
      f.z[2][5] = Double.NaN;
      f.writeLogits();
      PolicyLossConfig config = config(PolicyObjective.clip(), RatioLevel.SEQUENCE).build();
      KernelException e =
          assertThrows(
              KernelException.class,
              () -> PolicyLoss.compute(f.logits(), f.batch(), config, out, f.gradient()));
      assertEquals(2, e.firstBadRow());
      assertEquals(1, e.badRows());
      assertArrayEquals(new double[f.vocab], f.gradientRow(2));
      PolicyLossMetrics m =
          PolicyLoss.compute(
              f.logits(),
              f.batch(),
              config.toBuilder().zeroBadRows(true).build(),
              out,
              f.gradient());
      assertEquals(7, m.rows());
      assertTrue(Double.isFinite(m.loss()));
    }
  }

  @Test
  void logProbsAlone() {
    try (Fixture f = new Fixture(Fixture.Layout.BF16, 5, 700, 2, 8);
        FloatPointer logProbs = new FloatPointer(5)) {
      TokenStats.logProbs(f.logits(), LogitRows.all(Fixture.longs(f.targets), 0.8), logProbs);
      for (int i = 0; i < 5; i++) {
        double expected = Oracle.row(f.z[i], (int) f.targets[i], 0.8).logProb();
        Conformance.statistic(expected, logProbs.get(i), "logProb of row " + i);
      }
    }
  }

  /** Capped logits have log-probs, entropies and gradients of their own; −∞ counts as −c. */
  @ParameterizedTest
  @MethodSource("org.grpo4j.kernels.PolicyLossTest#isas")
  void softCap(Isa isa) {
    Kernels.use(isa);
    for (Fixture.Layout layout : List.of(Fixture.Layout.F32, Fixture.Layout.BF16)) {
      for (double cap : new double[] {2, 30}) {
        for (RatioLevel level : List.of(RatioLevel.TOKEN, RatioLevel.SEQUENCE)) {
          try (Fixture f = fixture(layout, 1203, 9)) {
            for (int v = 0; v < f.vocab; v += 7) {
              f.z[0][v] = v % 2 == 0 ? Double.NEGATIVE_INFINITY : 1e-3;
            }
            f.writeLogits();
            for (double entropyCoef : new double[] {0, 0.02}) {
              PolicyLossConfig config =
                  config(PolicyObjective.clip(), level)
                      .softCap(cap)
                      .entropyCoef(entropyCoef)
                      .build();
              Conformance.check(f, config, isa);
            }
          }
        }
      }
    }
  }

  /** The gradient is added to; rows without one stay as they are. */
  @ParameterizedTest
  @MethodSource("org.grpo4j.kernels.PolicyLossTest#isas")
  void accumulates(Isa isa) {
    Kernels.use(isa);
    for (Fixture.Layout layout :
        List.of(Fixture.Layout.F32, Fixture.Layout.BF16, Fixture.Layout.F16)) {
      for (RatioLevel level : List.of(RatioLevel.TOKEN, RatioLevel.SEQUENCE)) {
        try (Fixture f = fixture(layout, 203, 10);
            RowStatistics out = RowStatistics.allocate(f.rows)) {
          PolicyLossConfig config = config(PolicyObjective.clip(), level).build();
          PolicyLossMetrics fresh =
              PolicyLoss.compute(f.logits(), f.batch(), config, out, f.gradient());
          double[][] once = new double[f.rows][];
          for (int i = 0; i < f.rows; i++) {
            once[i] = f.gradientRow(i);
          }
          PolicyLossConfig adding = config.toBuilder().accumulateGradient(true).build();
          assertEquals(fresh, PolicyLoss.compute(f.logits(), f.batch(), adding, out, f.gradient()));
          for (int i = 0; i < f.rows; i++) {
            double[] twice = f.gradientRow(i);
            for (int v = 0; v < f.vocab; v++) {
              // Twice a number is exact.
              double tolerance =
                  Conformance.betweenTwoWays(layout.dtype()) * Math.abs(once[i][v])
                      + 4 * Elements.smallestStep(layout.dtype());
              assertEquals(2 * once[i][v], twice[v], tolerance, "row " + i + " element " + v);
            }
          }
        }
      }
    }
  }
}
