package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.grpo4j.fixtures.Collector;
import org.junit.jupiter.api.Test;

/**
 * Arguments that the caller keeps no reference to stay while native code reads them, however often
 * the garbage collector runs. Freed memory is a crash, or another result than that of the first
 * call. Small calls come first, until optimized code makes them, which drops references after their
 * last use; then calls that take long enough for a collection to fall into them.
 */
class TemporariesTest {
  private static final int VOCAB = 4_000;

  /** So much that the allocator takes it from the system and gives it back at once. */
  private static final int LARGE_BYTES = 40 << 20;

  private static final int SMALL_CALLS = 10_000;
  private static final int LARGE_CALLS = 6;

  private static final PolicyLossConfig TOKEN = PolicyLossConfig.defaults();
  private static final PolicyLossConfig SEQUENCE =
      PolicyLossConfig.builder().ratioLevel(RatioLevel.SEQUENCE).build();

  private static final class Calls {
    private final int rows;
    private final int tokens;
    private final FloatPointer logProbs;
    private final FloatPointer perToken;
    private final float[] gradient;

    Calls(int rows, int tokens) {
      this.rows = rows;
      this.tokens = tokens;
      logProbs = new FloatPointer(rows);
      perToken = new FloatPointer(tokens);
      gradient = new float[rows * VOCAB];
    }

    private Logits logits() {
      return Logits.of(zeros((long) rows * VOCAB), DType.F32, rows, VOCAB);
    }

    private static FloatPointer zeros(long n) {
      return new FloatPointer(Pointer.calloc(n, Float.BYTES)).capacity(n);
    }

    private static FloatPointer filled(int n, float value) {
      float[] values = new float[n];
      Arrays.fill(values, value);
      return new FloatPointer(values);
    }

    private LongPointer targets() {
      long[] values = new long[rows];
      Arrays.setAll(values, row -> row % VOCAB);
      return new LongPointer(values);
    }

    private LogitRows logitRows() {
      return new LogitRows(targets(), null, 1, filled(rows, 0.9f));
    }

    private PolicyBatch batch() {
      return new PolicyBatch(
              targets(),
              filled(rows, -3),
              null,
              filled(rows, 1),
              filled(rows, 0.5f),
              filled(rows, 0),
              null)
          .withSequences(new LongPointer(0, rows / 2, rows), false);
    }

    private RowStatistics statistics() {
      return new RowStatistics(logProbs, filled(rows, 1), filled(rows, 0), filled(rows, 0));
    }

    private RowStates states() {
      RowStates states = RowStates.allocate(rows);
      RowStates.compute(logits(), logitRows(), new VocabShard(0, VOCAB), states, 0);
      return states;
    }

    private RowSlopes slopes() {
      RowSlopes slopes = RowSlopes.allocate(rows);
      for (int row = 0; row < rows; row++) {
        slopes.set(row, 1, 0.5);
      }
      return slopes;
    }

    private static int hash(FloatPointer values) {
      float[] copy = new float[(int) Math.min(values.limit(), 1000)];
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
            TokenStats.compute(logits(), logitRows(), statistics());
            return hash(logProbs);
          });
      calls.put(
          "logProbs",
          () -> {
            TokenStats.logProbs(logits(), logitRows(), logProbs);
            return hash(logProbs);
          });
      calls.put(
          "rowStates and mergeStates",
          () -> {
            MergeStates.compute(states(), logitRows(), RowStates.allocate(rows), statistics());
            return hash(logProbs);
          });
      calls.put(
          "objective",
          () -> {
            fill(logProbs, -2);
            return Objective.compute(batch(), TOKEN, statistics(), RowSlopes.allocate(rows)).loss();
          });
      calls.put(
          "logitsGradient",
          () -> {
            Logits out = logits();
            VocabShard whole = new VocabShard(0, VOCAB);
            LogitsGradient.compute(logits(), logitRows(), whole, states(), slopes(), out);
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
      int n = Math.max(2, tokens / Float.BYTES);
      FloatPointer advantages = new FloatPointer(perToken).limit(n);
      GroupAdvantages.of(GroupAdvantages.Estimator.GRPO)
          .compute(new LongPointer(0, n / 2, n), zeros(n), null, advantages);
      return hash(advantages);
    }

    private int regionWeights() {
      new RegionWeights(List.of(2.0), 0.1, 8, RegionWeights.Order.CLAMP_THEN_MEAN)
          .compute(
              new LongPointer(0, tokens / 2, tokens),
              new BytePointer(Pointer.calloc(tokens, 1)).capacity(tokens),
              null,
              perToken);
      return hash(perToken);
    }

    private static void fill(FloatPointer pointer, float value) {
      for (long i = 0; i < pointer.limit(); i++) {
        pointer.put(i, value);
      }
    }
  }

  private static void repeat(Calls calls, int times) {
    calls
        .operations()
        .forEach(
            (name, call) -> {
              Object first = call.get();
              for (int k = 1; k < times; k++) {
                assertEquals(first, call.get(), name);
              }
            });
  }

  @Test
  void stayWhileACallRuns() {
    repeat(new Calls(2, 2), SMALL_CALLS);
    try (Collector collector = new Collector()) {
      repeat(new Calls(LARGE_BYTES / VOCAB / Float.BYTES, LARGE_BYTES), LARGE_CALLS);
    }
  }
}
