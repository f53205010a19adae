package org.grpo4j.benchmarks;

import org.bytedeco.javacpp.PointerScope;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * policy_loss, token_stats and logits_gradient beside torch, and beside passes over the same
 * buffer: in place by libtorch and by memcpy, and reads by both. The faster one is the yardstick.
 */
@BenchmarkMode(Mode.SingleShotTime)
@Warmup(iterations = 2)
@Measurement(iterations = 9)
public class LossBenchmark extends BatchBenchmark {
  /** Of torch's operations, which take up to a second each. */
  private static final int SLOW = 3;

  /**
   * Before every call in place, not timed: an operation is to read logits, not gradients, and a
   * yardstick is to find the caches as the operations do, full of lines to be written back.
   */
  @State(Scope.Benchmark)
  public static class FirstLogits {
    @Setup(Level.Invocation)
    public void restore(LossBenchmark benchmark) {
      benchmark.batch.restore();
    }
  }

  /** torch's forward pass, before the backward pass that is timed. */
  @State(Scope.Benchmark)
  public static class Forwarded {
    @SuppressWarnings("NullAway.Init") // JMH calls forward first
    private PointerScope scope;

    @SuppressWarnings("NullAway.Init")
    private TorchLoss.Graph graph;

    @Setup(Level.Invocation)
    public void forward(LossBenchmark benchmark) {
      scope = new PointerScope();
      graph = benchmark.batch.torchForward();
    }

    @TearDown(Level.Invocation)
    public void close() {
      scope.close();
    }
  }

  @Benchmark
  @Moves(reads = 1, writes = 1)
  public void policyLoss(FirstLogits first, Blackhole sink) {
    sink.consume(batch.policyLoss());
  }

  @Benchmark
  @Moves(reads = 1, writes = 1)
  @Measurement(iterations = SLOW)
  @Warmup(iterations = 1)
  public void policyLossTorch(Blackhole sink) {
    try (PointerScope step = new PointerScope()) {
      sink.consume(batch.torchForward().backward());
    }
  }

  @Benchmark
  @Moves(reads = 1)
  public void tokenStats(Blackhole sink) {
    sink.consume(batch.tokenStats());
  }

  @Benchmark
  @Moves(reads = 1)
  @Measurement(iterations = SLOW)
  @Warmup(iterations = 1)
  public void tokenStatsTorch(Blackhole sink) {
    try (PointerScope step = new PointerScope()) {
      sink.consume(batch.torchTokenStats());
    }
  }

  @Benchmark
  @Moves(reads = 1, writes = 1)
  public void logitsGradient(FirstLogits first, Blackhole sink) {
    sink.consume(batch.logitsGradient());
  }

  /** Autograd's backward pass alone, from the loss through log_softmax to the logits. */
  @Benchmark
  @Moves(reads = 1, writes = 1)
  @Measurement(iterations = SLOW)
  @Warmup(iterations = 1)
  public void logitsGradientTorch(Forwarded forwarded, Blackhole sink) {
    sink.consume(forwarded.graph.backward());
  }

  @Benchmark
  @Moves(reads = 1)
  public void readByLibtorch(Blackhole sink) {
    try (PointerScope step = new PointerScope()) {
      sink.consume(batch.readByLibtorch());
    }
  }

  @Benchmark
  @Moves(reads = 1)
  public void readByMemcpy() {
    batch.readByMemcpy();
  }

  @Benchmark
  @Moves(reads = 1, writes = 1)
  public void passByLibtorch(FirstLogits first, Blackhole sink) {
    try (PointerScope step = new PointerScope()) {
      sink.consume(batch.passByLibtorch());
    }
  }

  @Benchmark
  @Moves(reads = 1, writes = 1)
  public void passByMemcpy(FirstLogits first) {
    batch.passByMemcpy();
  }
}
