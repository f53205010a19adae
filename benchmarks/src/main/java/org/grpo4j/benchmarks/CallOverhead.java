package org.grpo4j.benchmarks;

import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.grpo4j.kernels.DType;
import org.grpo4j.kernels.LogitRows;
import org.grpo4j.kernels.Logits;
import org.grpo4j.kernels.PolicyBatch;
import org.grpo4j.kernels.PolicyLoss;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.kernels.RowStatistics;
import org.grpo4j.kernels.TokenStats;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What a call costs beside its work: one row of one token. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(0)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class CallOverhead {
  private final Logits logits = Logits.copyOf(new float[] {1}, 1, 1);
  private final FloatPointer one = new FloatPointer(1f);
  private final PolicyBatch batch =
      new PolicyBatch(new LongPointer(new long[1]), null, null, one, one, one, null);
  private final LogitRows rows = LogitRows.all(batch.targets(), 1);
  private final PolicyLossConfig config = PolicyLossConfig.defaults();
  private final RowStatistics out = RowStatistics.allocate(1);

  @Benchmark
  public PolicyLossMetrics policyLossOfOneToken() {
    return PolicyLoss.compute(logits, batch, config, out, logits);
  }

  @Benchmark
  public DType tokenStatsOfOneToken() {
    TokenStats.compute(logits, rows, out);
    return logits.dtype();
  }
}
