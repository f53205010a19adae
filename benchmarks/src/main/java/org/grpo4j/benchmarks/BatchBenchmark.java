package org.grpo4j.benchmarks;

import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.PointerScope;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * The parameters of what runs on a batch of logits. All benchmarks of a process that have the same
 * rows, vocabulary, type and logits use one buffer.
 *
 * <p>Not forked: the comparison is of one process, whose threads and memory are the same for all.
 */
@State(Scope.Benchmark)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(0)
public abstract class BatchBenchmark {
  @Param({"512"})
  long rows;

  @Param({"151936"})
  long vocab;

  @Param({"f32", "bf16"})
  String dtype = "f32";

  /** Standard deviation of normal logits, or half-minus-inf: deviation 3, every second one −∞. */
  @Param({"3"})
  String logits = "3";

  /** 0: one for each core. */
  @Param({"0"})
  int threads;

  /** Not 0: the bonus has a gradient, and e^u is computed twice. */
  @Param({"0"})
  double entropyCoef;

  /** Whether Σp² is computed, too. */
  @Param({"false"})
  boolean sumSquares;

  @SuppressWarnings("NullAway.Init") // JMH calls setUp first
  private PointerScope scope;

  @SuppressWarnings("NullAway.Init")
  private MemoryPass pass;

  @SuppressWarnings("NullAway.Init")
  LossBatch batch;

  /** Makes the batch; libtorch is loaded before anything is timed. */
  @Setup(Level.Trial)
  public void setUp() {
    int count = cores(threads);
    BatchCase of = new BatchCase(rows, vocab, dtype, logits, count, entropyCoef, sumSquares);
    SharedLogits shared = SharedLogits.of(of);
    pass = new MemoryPass(count);
    scope = new PointerScope();
    batch = new LossBatch(of, shared, pass);
  }

  static int cores(int threads) {
    return threads == 0 ? Runtime.getRuntime().availableProcessors() : threads;
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    scope.close();
    pass.close();
  }
}
