package org.grpo4j.benchmarks;

import java.util.ArrayList;
import java.util.List;
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
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.util.ListStatistics;

/**
 * Runs the benchmarks with JMH's own options, then prints medians with the bandwidth that each
 * operation's byte formula gives, the share of the in-place copy's, and the ratio to torch.
 *
 * <p>All of them several times over (system property {@code rounds}, by default 3): JMH measures
 * one after the other, and on a machine that is shared the next one may have another memory
 * bandwidth.
 */
public final class Benchmarks {
  private Benchmarks() {}

  /** One operation on one batch: its parameters, and the times of all rounds in ms. */
  private record Times(BenchmarkParams params, List<Double> milliseconds) {
    void add(RunResult result) {
      result.getBenchmarkResults().stream()
          .flatMap(one -> one.getIterationResults().stream())
          .forEach(iteration -> milliseconds.add(iteration.getPrimaryResult().getScore()));
    }

    double median() {
      return new ListStatistics(milliseconds.stream().mapToDouble(ms -> ms).toArray())
          .getPercentile(50);
    }

    /**
     * GB/s by what the operation has to move: token_stats reads the logits, the others also write.
     */
    double bandwidth(int passes) {
      double logits =
          LossBatch.bytes(
              Long.parseLong(params.getParam("rows")),
              Long.parseLong(params.getParam("vocab")),
              params.getParam("dtype"));
      return passes * logits / (median() * 1e6);
    }
  }

  /** Takes JMH's arguments, for example {@code -p threads=2 -p dtype=f32}. */
  public static void main(String[] args) throws RunnerException, CommandLineOptionException {
    Options options =
        new OptionsBuilder()
            .parent(new CommandLineOptions(args))
            .exclude(GpuBenchmark.class.getName())
            .build();
    Map<String, Map<String, Times>> groups = new TreeMap<>();
    for (int round = 0; round < Integer.getInteger("rounds", 3); round++) {
      for (RunResult result : new Runner(options).run()) {
        BenchmarkParams p = result.getParams();
        if (p.getParam("rows") == null) {
          continue; // the call overhead has no batch
        }
        String name = p.getBenchmark().substring(p.getBenchmark().lastIndexOf('.') + 1);
        groups
            .computeIfAbsent(group(p), key -> new TreeMap<>())
            .computeIfAbsent(name, key -> new Times(p, new ArrayList<>()))
            .add(result);
      }
    }
    System.out.println(Kernels.describe());
    groups.forEach(Benchmarks::print);
  }

  private static String group(BenchmarkParams p) {
    return String.format(
        Locale.ROOT,
        "%s x %s %s, %d threads, entropy %s",
        p.getParam("rows"),
        p.getParam("vocab"),
        p.getParam("dtype"),
        LossBenchmark.cores(Integer.parseInt(p.getParam("threads"))),
        p.getParam("entropyCoef"));
  }

  private static void print(String group, Map<String, Times> results) {
    System.out.println(group);
    results.forEach(
        (name, times) -> {
          boolean readsOnly = name.startsWith("tokenStats") || name.equals("readOnly");
          int passes = readsOnly ? 1 : 2;
          Times pass = results.get(readsOnly ? "readOnly" : "copyInPlace");
          Times torch = results.get(name + "Torch");
          StringBuilder line =
              new StringBuilder(
                  String.format(
                      Locale.ROOT,
                      "  %-16s %9.2f ms  %6.1f GB/s",
                      name,
                      times.median(),
                      times.bandwidth(passes)));
          if (pass != null) {
            line.append(
                String.format(
                    Locale.ROOT,
                    "  %5.1f%% of the %s",
                    100 * pass.median() / times.median(),
                    readsOnly ? "read" : "in-place copy"));
          }
          if (torch != null) {
            line.append(
                String.format(Locale.ROOT, "  %.1f times torch", torch.median() / times.median()));
          }
          System.out.println(line);
        });
  }
}
