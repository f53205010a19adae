package org.grpo4j.benchmarks.gpu;

import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * Times the CUDA kernels on the current GPU and prints them beside what was predicted. Where there
 * is none, one line says why.
 */
public final class GpuBenchmarks {
  private GpuBenchmarks() {}

  /** Takes JMH's arguments, for example {@code -p rows=8192 -p dtype=bf16}. */
  public static void main(String[] args) throws RunnerException, CommandLineOptionException {
    String cause = CudaDevice.unavailableCause();
    if (!cause.isEmpty()) {
      System.out.println("no GPU to time on: " + cause);
      return;
    }
    new Runner(
            new OptionsBuilder()
                .parent(new CommandLineOptions(args))
                .include(GpuBenchmark.class.getName())
                .build())
        .run();
    try (CudaDevice device = new CudaDevice()) {
      DeviceTimes.table(device.issueRate()).forEach(System.out::println);
    }
  }
}
