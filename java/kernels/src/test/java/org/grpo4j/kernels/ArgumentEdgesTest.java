package org.grpo4j.kernels;

import static org.grpo4j.kernels.Refusals.ramp;
import static org.grpo4j.kernels.Refusals.refused;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.List;
import java.util.Objects;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.ShortPointer;
import org.junit.jupiter.api.Test;

/** What lies right at the edge of an argument's range, on either side, and where it begins. */
class ArgumentEdgesTest {
  private static final int N = 3;
  private static final int V = 10;
  private static final PolicyLossConfig DEFAULTS = PolicyLossConfig.defaults();

  private final FloatPointer memory = ramp(N * V);
  private final Logits logits = Logits.of(memory, DType.F32, N, V);
  private final RowStatistics out = RowStatistics.allocate(N);
  private final LongPointer targets = new LongPointer(0, 1, 2);

  private static <P extends Pointer> P closed(P pointer) {
    pointer.close();
    return pointer;
  }

  private PolicyBatch batch() {
    return new PolicyBatch(targets, ramp(N), ramp(N), ramp(N), ramp(N), ramp(N), null);
  }

  private void run(PolicyBatch batch) {
    PolicyLoss.compute(logits, batch, DEFAULTS, out, logits);
  }

  /** The same values, from the third element of a longer array to the last but one. */
  private static FloatPointer inside(FloatPointer values) {
    float[] all = new float[(int) values.limit() + 3];
    values.get(all, 2, (int) values.limit());
    return new FloatPointer(all).position(2).limit(2 + values.limit());
  }

  private static LongPointer inside(LongPointer values) {
    long[] all = new long[(int) values.limit() + 3];
    values.get(all, 2, (int) values.limit());
    return new LongPointer(all).position(2).limit(2 + values.limit());
  }

  private static RowStatistics inside(RowStatistics out) {
    return new RowStatistics(
        inside(out.logProbs()), inside(out.entropy()), inside(lse(out)), inside(sumSquares(out)));
  }

  private static FloatPointer lse(RowStatistics out) {
    return Objects.requireNonNull(out.lse());
  }

  private static FloatPointer sumSquares(RowStatistics out) {
    return Objects.requireNonNull(out.sumSquares());
  }

  private static void same(FloatPointer want, FloatPointer got) {
    for (int i = 0; i < N; i++) {
      assertEquals(want.get(i), got.get(i));
    }
  }

  /** Arrays begin where their pointers are, logits, outputs and the gradient included. */
  @Test
  void everyArrayBeginsAtItsPosition() {
    LongPointer rows = new LongPointer(0, 2, 3);
    LongPointer offsets = new LongPointer(0, 1, 3);
    FloatPointer z = ramp(4 * V);
    FloatPointer gradient = ramp(4 * V);
    RowStatistics want = RowStatistics.allocate(N);
    PolicyBatch b = batch();
    PolicyBatch plain =
        new PolicyBatch(
            targets,
            ramp(N),
            b.refLogProbs(),
            ramp(2),
            ramp(N),
            ramp(N),
            rows,
            offsets,
            true,
            ramp(N));
    PolicyLossConfig config = PolicyLossConfig.builder().klCoef(0.1).build();
    double loss =
        PolicyLoss.compute(
                Logits.of(z, DType.F32, 4, V),
                plain,
                config,
                want,
                Logits.of(gradient, DType.F32, 4, V))
            .loss();
    for (Pointer t : new Pointer[] {inside(targets), new IntPointer(9, 0, 1, 2).position(1)}) {
      PolicyBatch moved =
          new PolicyBatch(
              t,
              inside(ramp(N)),
              inside(ramp(N)),
              inside(ramp(2)),
              inside(ramp(N)),
              inside(ramp(N)),
              inside(rows),
              inside(offsets),
              true,
              inside(ramp(N)));
      RowStatistics got = inside(RowStatistics.allocate(N));
      FloatPointer movedGradient = inside(ramp(4 * V));
      Logits in = Logits.of(inside(z), DType.F32, 4, V);
      Logits to = Logits.of(movedGradient, DType.F32, 4, V);
      assertEquals(loss, PolicyLoss.compute(in, moved, config, got, to).loss());
      same(want.logProbs(), got.logProbs());
      same(want.entropy(), got.entropy());
      same(lse(want), lse(got));
      same(sumSquares(want), sumSquares(got));
      for (int e = 0; e < 4 * V; e++) {
        assertEquals(gradient.get(e), movedGradient.get(e));
      }
      FloatPointer alone = inside(ramp(N));
      TokenStats.logProbs(in, moved.rows(config), alone);
      same(want.logProbs(), alone);
    }
  }

  @Test
  void buffersEndAtTheirLimitAndHaveAnOrder() {
    ByteBuffer direct = ByteBuffer.allocateDirect(N * V * 4).order(ByteOrder.nativeOrder());
    FloatBuffer shorter = direct.asFloatBuffer().limit(N * V - 1);
    refused("data holds 116 bytes: want 120", () -> Logits.of(shorter, DType.F32, N, V));
    ByteBuffer bytes = direct.duplicate().order(ByteOrder.nativeOrder()).limit(N * V * 4 - 1);
    refused("data holds 119 bytes: want 120", () -> Logits.of(bytes, DType.F32, N, V));
    ShortBuffer swapped = direct.duplicate().order(ByteOrder.BIG_ENDIAN).asShortBuffer();
    refused("byte order", () -> Logits.of(swapped, DType.BF16, N, V));
    refused("ShortPointer", () -> Logits.of(new ShortPointer(N * V), DType.F32, 1, V));
    refused("want 17179869184", () -> Logits.of(memory, DType.F32, 4, 1L << 30)); // 0 in 32 bits
  }

  @Test
  void gradientsAreTheLogitsOrApart() {
    FloatPointer both = ramp(2 * N * V + 1);
    Logits first = Logits.of(new FloatPointer(both).limit(N * V), DType.F32, N, V);
    Logits second = Logits.of(new FloatPointer(both).position(N * V), DType.F32, N, V);
    PolicyLoss.compute(first, batch(), DEFAULTS, out, second);
    PolicyLoss.compute(second, batch(), DEFAULTS, out, first);
    Logits shifted = Logits.of(new FloatPointer(both).position(1), DType.F32, N, V);
    refused("overlaps", () -> PolicyLoss.compute(first, batch(), DEFAULTS, out, shifted));
    refused("overlaps", () -> PolicyLoss.compute(shifted, batch(), DEFAULTS, out, first));
    Logits strided = Logits.of(both, DType.F32, N, V, V + 1);
    refused("overlaps", () -> PolicyLoss.compute(strided, batch(), DEFAULTS, out, first));
    ShortPointer halves = new ShortPointer(2 * N * V);
    Logits bf16 = Logits.of(halves, DType.BF16, N, V);
    Logits f16 = Logits.of(new ShortPointer(halves).position(N * V), DType.F16, N, V);
    refused("gradient has shape", () -> PolicyLoss.compute(bf16, batch(), DEFAULTS, out, f16));
    PolicyLossConfig adding = PolicyLossConfig.builder().accumulateGradient(true).build();
    Logits none = Logits.of(memory, DType.F32, 0, V);
    FloatPointer zero = new FloatPointer(0);
    PolicyBatch empty = new PolicyBatch(new LongPointer(0), null, null, zero, zero, zero, null);
    PolicyLoss.compute(none, empty, adding, new RowStatistics(zero, zero, null, null), none);
  }

  @Test
  void closedMemory() {
    Logits gone = Logits.of(ramp(N * V), DType.F32, N, V);
    FloatPointer pointer = ramp(N * V);
    Logits view = Logits.of(pointer, DType.F32, N, V);
    pointer.close();
    refused("logits were closed", () -> PolicyLoss.compute(view, batch(), DEFAULTS, out, gone));
    refused("closed", () -> run(batch().withSequences(closed(new LongPointer(0, 3)), false)));
    PolicyBatch b = batch();
    LongPointer rows = closed(new LongPointer(0, 1, 2));
    refused(
        "closed",
        () ->
            run(
                new PolicyBatch(
                    targets,
                    null,
                    null,
                    b.advantages(),
                    b.policyWeights(),
                    b.policyWeights(),
                    rows)));
    RegionWeights weights =
        new RegionWeights(List.of(1.0), 0.1, 8, RegionWeights.Order.CLAMP_THEN_MEAN);
    refused(
        "regions",
        () -> weights.compute(new LongPointer(0, 3), closed(new BytePointer(3)), null, ramp(N)));
  }

  @Test
  void arraysOfTheWrongLength() {
    PolicyBatch b = batch();
    FloatPointer n = b.advantages();
    FloatPointer four = ramp(4);
    refused("refLogProbs", () -> run(new PolicyBatch(targets, null, four, n, n, n, null)));
    refused("policyWeights", () -> run(new PolicyBatch(targets, null, null, n, four, n, null)));
    refused(
        "regularizerWeights", () -> run(new PolicyBatch(targets, null, null, n, n, four, null)));
    refused("goes from 1 to 3", () -> run(b.withSequences(new LongPointer(1, 3), false)));
    refused(
        "advantagesPerSequence needs it",
        () -> run(new PolicyBatch(targets, null, null, n, n, n, null, null, true, null)));
  }

  @Test
  void settings() {
    for (double edge : new double[] {1e-12, 1e12}) {
      assertEquals(edge, PolicyLossConfig.builder().temperature(edge).build().temperature());
      assertEquals(edge, LogitRows.all(targets, edge).temperature());
    }
    refused("temperature is 1.0E13", () -> LogitRows.all(targets, 1e13));
    refused("temperature is 1.0E-13", () -> LogitRows.all(targets, 1e-13));
    double inf = Double.POSITIVE_INFINITY;
    refused("softCap is Infinity", () -> new LogitRows(targets, null, 1, null, inf));
    refused("softCap is -1.0", () -> new LogitRows(targets, null, 1, null, -1));
    refused("entropyCoef is Infinity", () -> PolicyLossConfig.builder().entropyCoef(inf).build());
    refused(
        "ratioLevel is TOKEN",
        () -> PolicyLossConfig.builder().objective(new PolicyObjective.Gmpo(0.4, 0.4)).build());
    refused("dualClip is 0.0", () -> new PolicyObjective.Clip(0, 0, 0, 1));
    refused("clipLow is NaN", () -> new PolicyObjective.Clip(Double.NaN, 0, 1, 1));
    refused("bound is -0.1", () -> new PolicyObjective.Cispo(-0.1));
    refused("tauNegative is 0.0", () -> new PolicyObjective.Sapo(1, 0));
    refused("tauPositive is Infinity", () -> new PolicyObjective.Sapo(inf, 1));
    refused("clipHigh is -1.0", () -> new PolicyObjective.Gmpo(0.4, -1));
    refused("kNegative is NaN", () -> new PolicyObjective.Vespo(2, 3, Double.NaN, 2));
    refused("begin is -1", () -> new VocabShard(-1, 5));
    refused("total is 0", () -> new VocabShard(0, 0));
  }

  /** A copy of a configuration, or of a batch with one thing more, has all of the first. */
  @Test
  void copiesKeepEverything() {
    PolicyLossConfig config =
        PolicyLossConfig.builder()
            .objective(new PolicyObjective.Cispo(5))
            .ratioLevel(RatioLevel.SEQUENCE)
            .klCoef(0.1)
            .klEstimator(KlEstimator.K2)
            .klBiasCorrected(true)
            .entropyCoef(0.2)
            .temperature(0.7)
            .softCap(30)
            .accumulateGradient(true)
            .zeroBadRows(true)
            .build();
    assertEquals(config, config.toBuilder().build());
    LongPointer offsets = new LongPointer(0, 3);
    FloatPointer temperatures = ramp(N);
    PolicyBatch b = batch();
    assertEquals(
        b.withSequences(offsets, false).withTemperatures(temperatures),
        b.withTemperatures(temperatures).withSequences(offsets, false));
    assertEquals(new LogitRows(targets, null, 0.7, null, 30), b.rows(config));
  }

  /** Shards of one RowStates by index, rows with temperatures of their own. */
  @Test
  void shardsLieBehindEachOther() {
    FloatPointer temperatures = new FloatPointer(0.5f, 1f, 2f);
    LogitRows rows = new LogitRows(targets, null, 1, temperatures);
    RowStatistics want = RowStatistics.allocate(N);
    TokenStats.compute(logits, rows, want);
    try (RowStates states = RowStates.allocate(2, N);
        RowStates merged = RowStates.allocate(N)) {
      Logits left = Logits.of(memory, DType.F32, N, 4, V);
      Logits right = Logits.of(new FloatPointer(memory).position(4), DType.F32, N, V - 4, V);
      RowStates.compute(left, rows, new VocabShard(0, V), states, 0);
      RowStates.compute(right, rows, new VocabShard(4, V), states, 1);
      MergeStates.compute(states, rows, merged, out);
      for (int i = 0; i < N; i++) {
        assertEquals(want.logProbs().get(i), out.logProbs().get(i), 1e-6f);
        assertEquals(want.entropy().get(i), out.entropy().get(i), 1e-6f);
        assertEquals(lse(want).get(i), lse(out).get(i), 1e-6f);
      }
      refused("shard is 2: want 0 to 1", () -> states.bytes(2));
      refused(
          "have more than the 9",
          () -> RowStates.compute(logits, rows, new VocabShard(3, 12), merged, 0));
    }
    refused("states have shape", () -> RowStates.allocate(Long.MAX_VALUE / RowStates.BYTES, 2));
  }

  /** How many rows are bad, of how many, and which is the first. */
  @Test
  void badRowsAreCounted() {
    memory.put(V + 3, Float.NaN);
    memory.put(2 * V, Float.NEGATIVE_INFINITY);
    targets.put(2, V);
    KernelException e =
        assertThrows(
            KernelException.class, () -> TokenStats.compute(logits, targets, null, 1, out));
    assertArrayEquals(new long[] {2, 1}, new long[] {e.badRows(), e.firstBadRow()});
    assertEquals(
        "2 of 3 rows can't be computed; the first is row 1: a NaN or +infinity among its logits",
        e.getMessage());
  }
}
