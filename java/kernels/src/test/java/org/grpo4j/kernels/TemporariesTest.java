package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.grpo4j.fixtures.Collector;
import org.junit.jupiter.api.Test;

/**
 * Arguments that the caller keeps no reference to stay while native code reads them, however often
 * the garbage collector runs. Freed memory is a crash, or another result than that of the first
 * call. Calls take long enough for a collection to fall into them, and are repeated until compiled
 * code, which drops references earlier than interpreted code, makes them.
 */
class TemporariesTest {
  private static final int ROWS = 128;
  private static final int VOCAB = 400;
  private static final int TOKENS = 20_000;
  private static final int CALLS = 250; // compiled from the 200th on

  private static final PolicyLossConfig TOKEN = PolicyLossConfig.defaults();
  private static final PolicyLossConfig SEQUENCE =
      PolicyLossConfig.builder().ratioLevel(RatioLevel.SEQUENCE).build();

  private final FloatPointer logProbs = new FloatPointer(ROWS);
  private final FloatPointer perToken = new FloatPointer(TOKENS);
  private final float[] gradient = new float[ROWS * VOCAB];

  private static Logits logits() {
    float[] values = new float[ROWS * VOCAB];
    for (int k = 0; k < values.length; k++) {
      values[k] = k % 17 * 0.25f;
    }
    return Logits.copyOf(values, ROWS, VOCAB);
  }

  private static FloatPointer filled(int n, float value) {
    float[] values = new float[n];
    Arrays.fill(values, value);
    return new FloatPointer(values);
  }

  private static LongPointer targets() {
    long[] values = new long[ROWS];
    Arrays.setAll(values, row -> row % VOCAB);
    return new LongPointer(values);
  }

  private static LogitRows rows() {
    return new LogitRows(targets(), null, 1, filled(ROWS, 0.9f));
  }

  private static PolicyBatch batch() {
    return new PolicyBatch(
            targets(),
            filled(ROWS, -3),
            null,
            filled(ROWS, 1),
            filled(ROWS, 0.5f),
            filled(ROWS, 0),
            null)
        .withSequences(new LongPointer(0, ROWS / 2, ROWS), false);
  }

  private RowStatistics statistics() {
    return new RowStatistics(logProbs, filled(ROWS, 1), filled(ROWS, 0), filled(ROWS, 0));
  }

  private static RowStates states() {
    RowStates states = RowStates.allocate(ROWS);
    RowStates.compute(logits(), rows(), new VocabShard(0, VOCAB), states, 0);
    return states;
  }

  private static RowSlopes slopes() {
    RowSlopes slopes = RowSlopes.allocate(ROWS);
    for (int row = 0; row < ROWS; row++) {
      slopes.set(row, 1, 0.5);
    }
    return slopes;
  }

  private static int hash(FloatPointer values) {
    float[] copy = new float[Math.toIntExact(values.limit())];
    values.get(copy);
    return Arrays.hashCode(copy);
  }

  /** What each public operation gives for arguments made for it. */
  private Map<String, Supplier<Object>> operations() {
    Map<String, Supplier<Object>> calls = new LinkedHashMap<>();
    calls.put("policyLoss", () -> policyLoss(TOKEN));
    calls.put("policyLoss by sequence", () -> policyLoss(SEQUENCE));
    calls.put(
        "tokenStats",
        () -> {
          TokenStats.compute(logits(), rows(), statistics());
          return hash(logProbs);
        });
    calls.put(
        "logProbs",
        () -> {
          TokenStats.logProbs(logits(), rows(), logProbs);
          return hash(logProbs);
        });
    calls.put(
        "rowStates and mergeStates",
        () -> {
          MergeStates.compute(states(), rows(), RowStates.allocate(ROWS), statistics());
          return hash(logProbs);
        });
    calls.put(
        "objective",
        () -> {
          fill(logProbs, -2);
          return Objective.compute(batch(), TOKEN, statistics(), RowSlopes.allocate(ROWS)).loss();
        });
    calls.put(
        "logitsGradient",
        () -> {
          Logits out = logits();
          VocabShard whole = new VocabShard(0, VOCAB);
          LogitsGradient.compute(logits(), rows(), whole, states(), slopes(), out);
          out.copyTo(gradient);
          return Arrays.hashCode(gradient);
        });
    calls.put(
        "copyTo",
        () -> {
          logits().copyTo(gradient);
          return Arrays.hashCode(gradient);
        });
    calls.put("groupAdvantages", this::groupAdvantages);
    calls.put("regionWeights", this::regionWeights);
    return calls;
  }

  private double policyLoss(PolicyLossConfig config) {
    return PolicyLoss.compute(logits(), batch(), config, statistics(), logits()).loss();
  }

  private int groupAdvantages() {
    int[] lengths = new int[TOKENS];
    Arrays.fill(lengths, 3);
    GroupAdvantages.of(GroupAdvantages.Estimator.OPO)
        .compute(
            new LongPointer(0, TOKENS / 2, TOKENS),
            filled(TOKENS, 2),
            new IntPointer(lengths),
            perToken);
    return hash(perToken);
  }

  private int regionWeights() {
    byte[] regions = new byte[TOKENS];
    Arrays.fill(regions, (byte) 1);
    new RegionWeights(List.of(2.0), 0.1, 8, RegionWeights.Order.CLAMP_THEN_MEAN)
        .compute(
            new LongPointer(0, TOKENS / 2, TOKENS),
            new BytePointer(regions),
            filled(TOKENS, 1),
            perToken);
    return hash(perToken);
  }

  private static void fill(FloatPointer pointer, float value) {
    for (long i = 0; i < pointer.limit(); i++) {
      pointer.put(i, value);
    }
  }

  @Test
  void stayWhileACallRuns() {
    try (Collector collector = new Collector()) {
      operations()
          .forEach(
              (name, call) -> {
                Object first = call.get();
                for (int k = 1; k < CALLS; k++) {
                  assertEquals(first, call.get(), name);
                }
              });
    }
  }
}
