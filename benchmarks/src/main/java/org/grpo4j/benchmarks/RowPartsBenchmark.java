package org.grpo4j.benchmarks;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.grpo4j.kernels.GroupAdvantages;
import org.grpo4j.kernels.RegionWeights;
import org.grpo4j.kernels.RowStates;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * The operations that don't touch the logits, run as those of {@link PartsBenchmark}. They take
 * microseconds: averages over many calls.
 */
@BenchmarkMode(Mode.AverageTime)
@Warmup(iterations = 1, time = 200, timeUnit = TimeUnit.MILLISECONDS)
@Measurement(iterations = 3, time = 200, timeUnit = TimeUnit.MILLISECONDS)
public class RowPartsBenchmark extends BatchBenchmark {
  /** Completions of a group; tokens of a completion. */
  private static final int GROUP = 8;

  private final GroupAdvantages advantages = GroupAdvantages.of(GroupAdvantages.Estimator.GRPO);
  private final RegionWeights regionWeights =
      new RegionWeights(List.of(1.0, 1.2, 0.8), 0.5, 2, RegionWeights.Order.CLAMP_THEN_MEAN);

  @SuppressWarnings("NullAway.Init") // JMH calls prepare first
  private LongPointer offsets;

  @SuppressWarnings("NullAway.Init")
  private FloatPointer rewards;

  @SuppressWarnings("NullAway.Init")
  private BytePointer regions;

  @SuppressWarnings("NullAway.Init")
  private FloatPointer written;

  /** Each row a completion in a group of eight, or a token in a completion of eight. */
  @Setup(Level.Trial)
  public void prepare() {
    int n = (int) rows;
    long[] ends = new long[(n + GROUP - 1) / GROUP + 1];
    Arrays.setAll(ends, k -> Math.min(rows, (long) k * GROUP));
    float[] reward = new float[n];
    byte[] region = new byte[n];
    for (int i = 0; i < n; i++) {
      reward[i] = i % 5;
      region[i] = (byte) (1 << i % 3);
    }
    offsets = new LongPointer(ends);
    rewards = new FloatPointer(reward);
    regions = new BytePointer(region);
    written = new FloatPointer(rows);
  }

  /** A state of each shard read; the merged one, log-prob and entropy written. */
  @Benchmark
  @Moves(rowBytes = (LossBatch.SHARDS + 1) * RowStates.BYTES + 2 * Float.BYTES)
  public void mergeStates(Blackhole sink) {
    sink.consume(batch.mergeStates());
  }

  /** Log-prob, entropy, old log-prob, advantage and two weights read; two slopes written. */
  @Benchmark
  @Moves(rowBytes = 6 * Float.BYTES + 2 * Double.BYTES)
  public void objective(Blackhole sink) {
    sink.consume(batch.objective());
  }

  /** Rewards read, advantages written. */
  @Benchmark
  @Moves(rowBytes = 2 * Float.BYTES)
  public FloatPointer groupAdvantages() {
    advantages.compute(offsets, rewards, null, written);
    return written;
  }

  /** Regions read, weights written. */
  @Benchmark
  @Moves(rowBytes = 1 + Float.BYTES)
  public FloatPointer tokenWeights() {
    regionWeights.compute(offsets, regions, null, written);
    return written;
  }
}
