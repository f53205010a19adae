package org.grpo4j.benchmarks;

import java.util.Collection;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.grpo4j.benchmarks.gpu.GpuBenchmark;
import org.grpo4j.kernels.Kernels;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/**
 * Runs the benchmarks with JMH's own options, then prints medians with the bandwidth that each
 * operation's byte formula gives, the share of the in-place copy's, and the ratio to torch.
 */
public final class Benchmarks {
  private Benchmarks() {}

  /** Takes JMH's arguments, for example {@code -p threads=2 -p dtype=f32}. */
  public static void main(String[] args) throws RunnerException, CommandLineOptionException {
    Collection<RunResult> results =
        new Runner(
                new OptionsBuilder()
                    .parent(new CommandLineOptions(args))
                    .exclude(GpuBenchmark.class.getName())
                    .build())
            .run();
    Map<String, Map<String, RunResult>> groups = new TreeMap<>();
    for (RunResult result : results) {
      BenchmarkParams p = result.getParams();
      if (p.getParam("rows") == null) {
        continue; // the call overhead has no batch
      }
      String group =
          p.getParam("rows")
              + " x "
              + p.getParam("vocab")
              + " "
              + p.getParam("dtype")
              + ", "
              + LossBenchmark.cores(Integer.parseInt(p.getParam("threads")))
              + " threads, entropy "
              + p.getParam("entropyCoef");
      String name = p.getBenchmark().substring(p.getBenchmark().lastIndexOf('.') + 1);
      groups.computeIfAbsent(group, key -> new TreeMap<>()).put(name, result);
    }
    System.out.println(Kernels.describe());
    groups.forEach(Benchmarks::print);
  }

  private static void print(String group, Map<String, RunResult> results) {
    System.out.println(group);
    double copy = bandwidth("copyInPlace", results);
    double read = bandwidth("readOnly", results);
    for (String name : results.keySet()) {
      double median = median(name, results);
      double torch = median(name + "Torch", results);
      String line =
          String.format(
              Locale.ROOT,
              "  %-16s %9.2f ms  %6.1f GB/s  %5.1f%% of the %s",
              name,
              median,
              bandwidth(name, results),
              100 * bandwidth(name, results) / (readsOnly(name) ? read : copy),
              readsOnly(name) ? "read" : "in-place copy");
      System.out.println(
          Double.isNaN(torch)
              ? line
              : line + String.format(Locale.ROOT, "  %.1f times torch", torch / median));
    }
  }

  private static double median(String name, Map<String, RunResult> results) {
    RunResult result = results.get(name);
    return result == null
        ? Double.NaN
        : result.getPrimaryResult().getStatistics().getPercentile(50);
  }

  private static boolean readsOnly(String name) {
    return name.startsWith("tokenStats") || name.equals("readOnly");
  }

  /**
   * GB/s by what the operation has to move: token_stats reads the logits, the others also write.
   */
  private static double bandwidth(String name, Map<String, RunResult> results) {
    RunResult result = results.get(name);
    if (result == null) {
      return Double.NaN;
    }
    BenchmarkParams p = result.getParams();
    double logits =
        LossBatch.bytes(
            Long.parseLong(p.getParam("rows")),
            Long.parseLong(p.getParam("vocab")),
            p.getParam("dtype"));
    double passes = readsOnly(name) ? 1 : 2;
    return passes * logits / (median(name, results) * 1e6);
  }
}
