package org.grpo4j.benchmarks;

import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.PointerScope;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * policy_loss, token_stats and logits_gradient beside torch, the in-place copy and a read of the
 * same buffer.
 *
 * <p>Not forked: the comparison is of one process, whose threads and memory are the same for all.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(0)
@Warmup(iterations = 2)
@Measurement(iterations = 9)
public class LossBenchmark {
  @Param({"512"})
  long rows;

  @Param({"151936"})
  long vocab;

  @Param({"f32", "bf16"})
  String dtype = "f32";

  /** 0: one for each core. */
  @Param({"0"})
  int threads;

  /** Not 0: the bonus has a gradient, and e^u is computed twice. */
  @Param({"0"})
  double entropyCoef;

  @SuppressWarnings("NullAway.Init") // JMH calls setUp first
  private PointerScope scope;

  @SuppressWarnings("NullAway.Init")
  private LossBatch batch;

  /** Makes the batch; libtorch is loaded before anything is timed. */
  @Setup(Level.Trial)
  public void setUp() {
    scope = new PointerScope();
    batch = new LossBatch(rows, vocab, dtype, cores(threads), entropyCoef);
  }

  static int cores(int threads) {
    return threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    scope.close();
  }

  @Benchmark
  public void policyLoss(Blackhole sink) {
    sink.consume(batch.policyLoss());
  }

  @Benchmark
  public void policyLossTorch(Blackhole sink) {
    try (PointerScope step = new PointerScope()) {
      sink.consume(batch.torchPolicyLoss());
    }
  }

  @Benchmark
  public void tokenStats(Blackhole sink) {
    sink.consume(batch.tokenStats());
  }

  @Benchmark
  public void tokenStatsTorch(Blackhole sink) {
    try (PointerScope step = new PointerScope()) {
      sink.consume(batch.torchTokenStats());
    }
  }

  @Benchmark
  public void logitsGradient(Blackhole sink) {
    sink.consume(batch.logitsGradient());
  }

  @Benchmark
  public void readOnly(Blackhole sink) {
    try (PointerScope step = new PointerScope()) {
      sink.consume(batch.readOnly());
    }
  }

  @Benchmark
  public void copyInPlace(Blackhole sink) {
    try (PointerScope step = new PointerScope()) {
      sink.consume(batch.copyInPlace());
    }
  }
}
