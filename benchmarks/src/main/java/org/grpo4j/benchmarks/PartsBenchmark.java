package org.grpo4j.benchmarks;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * The other operations on logits, run only where they are asked for: {@code
 * -Djmh.args="PartsBenchmark"}, which names {@link RowPartsBenchmark}, too, or beside the
 * yardsticks {@code -Djmh.args="PartsBenchmark By"}.
 */
@BenchmarkMode(Mode.SingleShotTime)
@Warmup(iterations = 2)
@Measurement(iterations = 9)
public class PartsBenchmark extends BatchBenchmark {
  /** No entropy, no Σp²: as for old and reference policies. */
  @Benchmark
  @Moves(reads = 1)
  public void logProbs(Blackhole sink) {
    sink.consume(batch.logProbs());
  }

  @Benchmark
  @Moves(reads = 1)
  public void rowStates(Blackhole sink) {
    sink.consume(batch.rowStates());
  }
}
