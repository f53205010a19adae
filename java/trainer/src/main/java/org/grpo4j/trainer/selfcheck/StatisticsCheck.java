package org.grpo4j.trainer.selfcheck;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.grpo4j.kernels.LogitRows;
import org.grpo4j.kernels.Logits;
import org.grpo4j.kernels.LogitsGradient;
import org.grpo4j.kernels.MergeStates;
import org.grpo4j.kernels.RowSlopes;
import org.grpo4j.kernels.RowStates;
import org.grpo4j.kernels.RowStatistics;
import org.grpo4j.kernels.TokenStats;
import org.grpo4j.kernels.VocabShard;
import org.jspecify.annotations.Nullable;

/**
 * token_stats on whole rows; row_states, merge_states and logits_gradient on a vocabulary cut into
 * shards of different widths.
 */
final class StatisticsCheck {
  private final OracleBatch batch;

  StatisticsCheck(OracleBatch batch) {
    this.batch = batch;
  }

  /** token_stats; null: nothing is wrong. */
  @Nullable String wrongTokenStats() {
    try (PointerScope scope = new PointerScope()) {
      RowStatistics out = RowStatistics.allocate(OracleBatch.ROWS);
      Logits logits = batch.view(batch.memory(0, batch.vocab()), batch.vocab());
      TokenStats.compute(logits, batch.targets(), null, (float) OracleBatch.TEMPERATURE, out);
      return wrongStatistics(batch, out);
    }
  }

  /** Partial states of shards, their merge, and each shard's gradient; null: nothing is wrong. */
  @Nullable String wrongShards(int shards) {
    try (PointerScope scope = new PointerScope()) {
      LogitRows rows = LogitRows.all(batch.targets(), OracleBatch.TEMPERATURE);
      RowStates states = RowStates.allocate(shards, OracleBatch.ROWS);
      int[] begins = begins(shards);
      List<BytePointer> memories = new ArrayList<>();
      for (int s = 0; s < shards; s++) {
        memories.add(batch.memory(begins[s], begins[s + 1]));
        RowStates.compute(view(memories.get(s), begins, s), rows, shard(begins, s), states, s);
      }
      RowStates merged = RowStates.allocate(OracleBatch.ROWS);
      RowStatistics out = RowStatistics.allocate(OracleBatch.ROWS);
      MergeStates.compute(states, rows, merged, out);
      String problem = wrongStatistics(batch, out);
      RowSlopes slopes = RowSlopes.allocate(OracleBatch.ROWS);
      for (int i = 0; i < OracleBatch.ROWS; i++) {
        slopes.set(i, slope(i).g(), slope(i).h());
      }
      for (int s = 0; s < shards && problem == null; s++) {
        Logits part = view(memories.get(s), begins, s);
        LogitsGradient.compute(part, rows, shard(begins, s), merged, slopes, part);
        for (int i = 0; i < OracleBatch.ROWS && problem == null; i++) {
          problem = batch.wrongGradient(i, slope(i), memories.get(s), begins[s], begins[s + 1]);
        }
      }
      return problem;
    }
  }

  /** Any slopes: their objective is another check's. */
  private OracleBatch.Slope slope(int i) {
    return new OracleBatch.Slope(batch.advantage(i), -0.1 * batch.weight(i));
  }

  /** The first shard is narrower than the others, where there is room. */
  private int[] begins(int shards) {
    int[] begins = new int[shards + 1];
    for (int s = 1; s <= shards; s++) {
      begins[s] = (int) ((long) batch.vocab() * s / shards) - (s < shards && s == 1 ? 1 : 0);
    }
    begins[shards] = batch.vocab();
    return begins;
  }

  private Logits view(BytePointer memory, int[] begins, int s) {
    return batch.view(memory, begins[s + 1] - begins[s]);
  }

  private VocabShard shard(int[] begins, int s) {
    return new VocabShard(begins[s], batch.vocab());
  }

  /** The first row whose statistics are not the formulas', in words; null: none. */
  static @Nullable String wrongStatistics(OracleBatch batch, RowStatistics out) {
    for (int i = 0; i < OracleBatch.ROWS; i++) {
      OracleBatch.Row row = batch.row(i);
      String problem = wrong("logProb", i, row.logProb(), out.logProbs());
      problem = problem != null ? problem : wrong("entropy", i, row.entropy(), out.entropy());
      problem = problem != null ? problem : wrong("lse", i, row.lse(), out.lse());
      problem = problem != null ? problem : wrong("Σp²", i, row.sumSquares(), out.sumSquares());
      if (problem != null) {
        return problem;
      }
    }
    return null;
  }

  private static @Nullable String wrong(
      String name, int row, double expected, @Nullable FloatPointer got) {
    if (got == null) {
      return name + " is missing";
    }
    return Math.abs(expected - got.get(row)) <= 2e-6 + 3e-7 * Math.abs(expected)
        ? null
        : "%s %s of row %d, not %s".formatted(name, got.get(row), row, expected);
  }
}
