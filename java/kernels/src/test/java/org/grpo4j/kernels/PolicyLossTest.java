package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The contract of policy_loss beyond its numbers. */
class PolicyLossTest {
  private static final PolicyLossConfig CONFIG =
      PolicyLossConfig.builder().klCoef(0.05).entropyCoef(0.01).temperature(0.9).build();

  private Isa isaBefore;
  private int threadsBefore;

  @BeforeEach
  void remember() {
    isaBefore = Kernels.isa();
    threadsBefore = Kernels.threads();
  }

  @AfterEach
  void restore() {
    Kernels.use(isaBefore);
    Kernels.setThreads(threadsBefore);
  }

  static List<Isa> isas() {
    return Emulated.isas();
  }

  @ParameterizedTest
  @MethodSource("isas")
  void inPlaceGivesTheBitsOfOutOfPlace(Isa isa) {
    Kernels.use(isa);
    for (Fixture.Layout layout : List.of(Fixture.Layout.F32, Fixture.Layout.BF16)) {
      try (Fixture f = new Fixture(layout, 5, 1003, 2, 1);
          RowStatistics out = RowStatistics.allocate(5)) {
        PolicyLossMetrics apart =
            PolicyLoss.compute(f.logits(), f.batch(), CONFIG, out, f.gradient());
        PolicyLossMetrics inPlace =
            PolicyLoss.compute(f.logits(), f.batch(), CONFIG, out, f.logits());
        assertEquals(apart, inPlace);
        for (int i = 0; i < 5; i++) {
          assertArrayEquals(f.gradientRow(i), f.logitsRow(i));
        }
      }
    }
  }

  /** A row's bits depend on that row alone: threads, the rows around it and its place do not. */
  @ParameterizedTest
  @MethodSource("isas")
  void sameBitsForAnyThreadsAndAnyBatch(Isa isa) {
    Kernels.use(isa);
    int rows = 40;
    try (Fixture f = new Fixture(Fixture.Layout.F32, rows, 20011, 2, 2);
        RowStatistics out = RowStatistics.allocate(rows);
        RowStatistics one = RowStatistics.allocate(1)) {
      Kernels.setThreads(1);
      PolicyLossMetrics serial =
          PolicyLoss.compute(f.logits(), f.batch(), CONFIG, out, f.gradient());
      double[][] expected = new double[rows][];
      for (int i = 0; i < rows; i++) {
        expected[i] = f.gradientRow(i);
      }
      for (int threads : new int[] {2, 3, 8}) {
        Kernels.setThreads(threads);
        assertEquals(serial, PolicyLoss.compute(f.logits(), f.batch(), CONFIG, out, f.gradient()));
        for (int i = 0; i < rows; i++) {
          assertArrayEquals(expected[i], f.gradientRow(i));
        }
      }
      for (int i : new int[] {0, 17, rows - 1}) {
        PolicyLoss.compute(f.logits(), f.batch(new int[] {i}), CONFIG, one, f.gradient());
        assertArrayEquals(expected[i], f.gradientRow(i));
        assertEquals(out.logProbs().get(i), one.logProbs().get(0));
        assertEquals(out.entropy().get(i), one.entropy().get(0));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("isas")
  void rowsOfWeightZeroAreNotRead(Isa isa) {
    Kernels.use(isa);
    try (Fixture f = new Fixture(Fixture.Layout.F32, 4, 777, 2, 3);
        RowStatistics out = RowStatistics.allocate(4)) {
      for (int i : new int[] {0, 2}) {
        f.policyWeights[i] = 0;
        f.regWeights[i] = 0;
        f.targets[i] = -100;
        f.advantages[i] = Float.NaN;
        Arrays.fill(f.z[i], Double.NaN);
      }
      f.writeLogits();
      PolicyLossMetrics metrics =
          PolicyLoss.compute(f.logits(), f.batch(), CONFIG, out, f.gradient());
      assertEquals(2, metrics.rows());
      assertTrue(Double.isFinite(metrics.loss()));
      for (int i : new int[] {0, 2}) {
        assertArrayEquals(new double[777], f.gradientRow(i));
        assertEquals(0f, out.logProbs().get(i));
        assertEquals(0f, out.entropy().get(i));
      }
    }
  }

  /** Nothing but NaN, which nobody reads; in place the rows become 0. */
  @ParameterizedTest
  @MethodSource("isas")
  void allRowsMasked(Isa isa) {
    Kernels.use(isa);
    for (DType dtype : DType.values()) {
      for (RatioLevel level : List.of(RatioLevel.TOKEN, RatioLevel.SEQUENCE)) {
        try (Fixture f = new Fixture(new Fixture.Layout(dtype, 1, 2), 3, 33, 2, 4);
            RowStatistics out = RowStatistics.allocate(3)) {
          Arrays.fill(f.policyWeights, 0);
          Arrays.fill(f.regWeights, 0);
          f.sequenceOffsets = new long[] {0, 2, 3};
          for (double[] row : f.z) {
            Arrays.fill(row, Double.NaN);
          }
          f.writeLogits();
          PolicyLossMetrics metrics =
              PolicyLoss.compute(
                  f.logits(),
                  f.batch(),
                  CONFIG.toBuilder().ratioLevel(level).build(),
                  out,
                  f.logits());
          assertEquals(
              new PolicyLossMetrics(0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, -1, isa), metrics);
          for (int i = 0; i < 3; i++) {
            assertArrayEquals(new double[33], f.logitsRow(i));
          }
        }
      }
    }
  }

  @Test
  void rowsThatAreNotListedStayUntouched() {
    try (Fixture f = new Fixture(Fixture.Layout.F32, 5, 100, 2, 5);
        RowStatistics out = RowStatistics.allocate(2)) {
      double[][] before = new double[5][];
      for (int i = 0; i < 5; i++) {
        before[i] = f.logitsRow(i);
      }
      PolicyLoss.compute(f.logits(), f.batch(new int[] {1, 3}), CONFIG, out, f.logits());
      for (int i : new int[] {0, 2, 4}) {
        assertArrayEquals(before[i], f.logitsRow(i));
      }
      assertTrue(!Arrays.equals(before[1], f.logitsRow(1)));
    }
  }

  @ParameterizedTest
  @MethodSource("isas")
  void badRowsAreNamed(Isa isa) {
    Kernels.use(isa);
    for (double value : new double[] {Double.NaN, Double.POSITIVE_INFINITY}) {
      for (int at : new int[] {0, 40, 70, 5000, 9000}) {
        try (Fixture f = new Fixture(Fixture.Layout.F32, 4, 9001, 2, 6)) {
          f.z[2][at] = value;
          expectBadRow(f, 2, "NaN or +infinity");
        }
      }
    }
    try (Fixture f = new Fixture(Fixture.Layout.F32, 4, 9001, 2, 6)) {
      Arrays.fill(f.z[1], Double.NEGATIVE_INFINITY);
      expectBadRow(f, 1, "all its logits are -infinity");
      // A NaN in a block of nothing but −∞, whose sums are skipped.
      f.z[1][100] = Double.NaN;
      f.z[1][9000] = 1;
      expectBadRow(f, 1, "NaN or +infinity");
    }
    try (Fixture f = new Fixture(Fixture.Layout.F32, 4, 33, 2, 6)) {
      f.targets[3] = 33;
      expectBadRow(f, 3, "target is outside the vocabulary");
      f.targets[3] = -1;
      expectBadRow(f, 3, "target is outside the vocabulary");
    }
    try (Fixture f = new Fixture(Fixture.Layout.F32, 4, 33, 2, 6)) {
      f.advantages[0] = Float.NaN;
      expectBadRow(f, 0, "not finite");
    }
  }

  private static void expectBadRow(Fixture f, int row, String reason) {
    f.writeLogits();
    try (RowStatistics out = RowStatistics.allocate(f.rows)) {
      KernelException e =
          assertThrows(
              KernelException.class,
              () -> PolicyLoss.compute(f.logits(), f.batch(), CONFIG, out, f.gradient()));
      assertTrue(String.valueOf(e.getMessage()).contains("row " + row + ": "), e::toString);
      assertTrue(String.valueOf(e.getMessage()).contains(reason), e::toString);
      assertEquals(1, e.badRows());
      assertEquals(row, e.firstBadRow());
      assertTrue(Float.isNaN(out.logProbs().get(row)));

      PolicyLossConfig zeroing =
          PolicyLossConfig.builder().klCoef(0.05).entropyCoef(0.01).zeroBadRows(true).build();
      PolicyLossMetrics metrics =
          PolicyLoss.compute(f.logits(), f.batch(), zeroing, out, f.gradient());
      assertEquals(1, metrics.badRows());
      assertEquals(row, metrics.firstBadRow());
      assertEquals(f.rows - 1, metrics.rows());
      assertTrue(Double.isFinite(metrics.loss()));
      assertEquals(0f, out.logProbs().get(row));
      assertArrayEquals(new double[f.vocab], f.gradientRow(row));
    }
  }

  @Test
  void withoutOldLogProbsTheSlopeIsMinusTheAdvantage() {
    try (Fixture f = new Fixture(Fixture.Layout.F32, 3, 64, 2, 8);
        RowStatistics out = RowStatistics.allocate(3)) {
      Arrays.fill(f.old, Float.NaN);
      PolicyBatch b = f.batch();
      PolicyBatch onPolicy =
          new PolicyBatch(
              b.targets(),
              null,
              null,
              b.advantages(),
              b.policyWeights(),
              b.regularizerWeights(),
              null);
      PolicyLossMetrics metrics =
          PolicyLoss.compute(f.logits(), onPolicy, PolicyLossConfig.defaults(), out, f.gradient());
      double loss = 0;
      for (int i = 0; i < 3; i++) {
        loss -= (double) f.policyWeights[i] * f.advantages[i];
        double p = Math.exp(Oracle.row(f.z[i], (int) f.targets[i], 1).logProb());
        double expected = -f.policyWeights[i] * f.advantages[i] * (1 - p);
        assertEquals(expected, f.gradientRow(i)[(int) f.targets[i]], 1e-6);
      }
      assertEquals(loss, metrics.loss(), 1e-9);
      assertEquals(1, metrics.ratioMax());
    }
  }

  @ParameterizedTest
  @EnumSource(KlEstimator.class)
  void klEstimators(KlEstimator estimator) {
    for (boolean corrected : new boolean[] {false, true}) {
      try (Fixture f = new Fixture(Fixture.Layout.F32, 9, 47, 2, 9)) {
        Conformance.check(
            f,
            PolicyLossConfig.builder()
                .klCoef(0.3)
                .klEstimator(estimator)
                .klBiasCorrected(corrected)
                .build(),
            Kernels.isa());
      }
    }
  }

  /**
   * The oracle's own gradient against differences of its loss, so that both can't be wrong alike.
   */
  @Test
  void theOraclesGradientIsTheDerivativeOfItsLoss() {
    PolicyLossConfig config =
        PolicyLossConfig.builder()
            .dualClip(3)
            .delta(1.5)
            .klCoef(0.3)
            .klBiasCorrected(true)
            .entropyCoef(0.2)
            .temperature(0.8)
            .build();
    try (Fixture f = new Fixture(Fixture.Layout.F32, 20, 13, 1.5, 10)) {
      for (int i = 0; i < f.rows; i++) {
        int target = (int) f.targets[i];
        Oracle.Row row = Oracle.row(f.z[i], target, config.temperature());
        Oracle.Token token = Oracle.token(row.logProb(), row.entropy(), f.inputs(i), config);
        double[] gradient = Oracle.gradient(row, target, token, config.temperature());
        for (int v = 0; v < f.vocab; v++) {
          double step = 1e-5;
          double up = lossAt(f, i, v, step, config);
          double down = lossAt(f, i, v, -step, config);
          assertEquals((up - down) / (2 * step), gradient[v], 1e-7, "row " + i + " element " + v);
        }
      }
    }
  }

  private static double lossAt(Fixture f, int i, int v, double step, PolicyLossConfig config) {
    double[] z = f.z[i].clone();
    z[v] += step;
    Oracle.Row row = Oracle.row(z, (int) f.targets[i], config.temperature());
    return Oracle.token(row.logProb(), row.entropy(), f.inputs(i), config).loss();
  }

  @Test
  void countsWhatTheClipsDo() {
    try (Fixture f = new Fixture(Fixture.Layout.F32, 400, 20, 1, 11);
        RowStatistics out = RowStatistics.allocate(400)) {
      PolicyLossConfig config = PolicyLossConfig.builder().clipHigh(0.3).dualClip(1.1).build();
      PolicyLossMetrics m = PolicyLoss.compute(f.logits(), f.batch(), config, out, f.gradient());
      long low = 0;
      long high = 0;
      long dual = 0;
      for (int i = 0; i < f.rows; i++) {
        double ratio = Math.exp((double) out.logProbs().get(i) - f.old[i]);
        low += ratio < 0.8 && f.advantages[i] < 0 ? 1 : 0;
        high += ratio > 1.3 && f.advantages[i] > 0 ? 1 : 0;
        dual += ratio > 1.1 && f.advantages[i] < 0 ? 1 : 0;
      }
      assertTrue(low > 0 && high > 0 && dual > 0, "the batch reaches every bound");
      assertEquals(
          List.of(low, high, dual),
          List.of(m.clipLowCount(), m.clipHighCount(), m.dualClipCount()));
    }
  }

  /** Calls from several threads at once: one gets the pool, the others work alone; same bits. */
  @Test
  void concurrentCalls() throws InterruptedException {
    Kernels.setThreads(2);
    Thread[] threads = new Thread[4];
    boolean[] equal = new boolean[threads.length];
    for (int k = 0; k < threads.length; k++) {
      int index = k;
      threads[k] =
          new Thread(
              () -> {
                try (Fixture f = new Fixture(Fixture.Layout.F32, 30, 10007, 2, 12);
                    RowStatistics out = RowStatistics.allocate(30)) {
                  PolicyLossMetrics first =
                      PolicyLoss.compute(f.logits(), f.batch(), CONFIG, out, f.gradient());
                  boolean same = true;
                  for (int repeat = 0; repeat < 20; repeat++) {
                    same &=
                        first.equals(
                            PolicyLoss.compute(f.logits(), f.batch(), CONFIG, out, f.gradient()));
                  }
                  equal[index] = same;
                }
              });
      threads[k].start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    for (boolean e : equal) {
      assertTrue(e);
    }
  }

  @Test
  void tokenStatsTakesRowsInAnyOrder() {
    try (Fixture f = new Fixture(Fixture.Layout.BF16, 3, 500, 2, 13);
        RowStatistics out = RowStatistics.allocate(4)) {
      long[] order = {2, 0, 2, 1};
      long[] targets = {5, 6, 7, 8};
      TokenStats.compute(f.logits(), Fixture.longs(targets), Fixture.longs(order), 0.5, out);
      for (int k = 0; k < 4; k++) {
        Conformance.statistics(Oracle.row(f.z[(int) order[k]], (int) targets[k], 0.5), out, k);
      }
    }
  }

  @Test
  void tokenStatsNamesBadRows() {
    try (Fixture f = new Fixture(Fixture.Layout.F32, 3, 50, 2, 14);
        RowStatistics out = RowStatistics.allocate(3)) {
      f.z[1][7] = Double.NaN;
      f.writeLogits();
      KernelException e =
          assertThrows(
              KernelException.class,
              () -> TokenStats.compute(f.logits(), Fixture.longs(1, 2, 3), null, 1, out));
      assertEquals(1, e.firstBadRow());
      FloatPointer logProbs = out.logProbs();
      assertTrue(Float.isFinite(logProbs.get(0)) && Float.isNaN(logProbs.get(1)));
    }
  }
}
