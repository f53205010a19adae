package org.grpo4j.benchmarks.gpu;

import java.util.concurrent.TimeUnit;
import org.grpo4j.kernels.DType;
import org.grpo4j.kernels.Isa;
import org.grpo4j.kernels.PolicyLossMetrics;
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
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.runner.IterationType;

/**
 * token_stats and policy_loss on a GPU beside a copy of the same bytes. JMH decides what runs how
 * often; what counts is the time between CUDA events, collected in {@link DeviceTimes}: JMH's own
 * score holds the launch and the wait, too.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(0)
@Warmup(iterations = 5)
@Measurement(iterations = 20)
public class GpuBenchmark {
  @Param({"8192", "16"})
  long rows;

  @Param({"151936"})
  long vocab;

  @Param({"bf16", "f32"})
  String dtype = "bf16";

  @SuppressWarnings("NullAway.Init") // JMH calls setUp first
  private CudaDevice device;

  @SuppressWarnings("NullAway.Init")
  private GpuBatch batch;

  private boolean measuring;

  @Setup(Level.Trial)
  public void setUp() {
    device = new CudaDevice();
    batch = new GpuBatch(device, dtype.equals("bf16") ? DType.BF16 : DType.F32, rows, vocab);
  }

  @Setup(Level.Iteration)
  public void start(IterationParams iteration) {
    measuring = iteration.getType() == IterationType.MEASUREMENT;
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    batch.close();
    device.close();
  }

  private DeviceTimes.Case of(String operation, int passes) {
    return new DeviceTimes.Case(operation, dtype, rows, vocab, passes * batch.bytes());
  }

  private <R> R record(DeviceTimes.Case of, CudaDevice.Timed<R> timed) {
    if (measuring) {
      DeviceTimes.add(of, timed.milliseconds());
    }
    return timed.result();
  }

  /** Read and written. */
  @Benchmark
  public long copy() {
    return record(of(DeviceTimes.COPY, 2), device.time(() -> batch.copy(device)));
  }

  /** Logits read. */
  @Benchmark
  public Isa tokenStats() {
    return record(of("token_stats", 1), device.time(batch::tokenStats)).read();
  }

  /** Logits read, gradient written. */
  @Benchmark
  public PolicyLossMetrics policyLoss() {
    return record(of("policy_loss", 2), device.time(batch::policyLoss)).read();
  }
}
