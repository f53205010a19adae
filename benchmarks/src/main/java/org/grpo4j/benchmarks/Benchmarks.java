package org.grpo4j.benchmarks;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.grpo4j.benchmarks.gpu.GpuBenchmark;
import org.grpo4j.kernels.Kernels;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.util.ListStatistics;

/**
 * Runs the benchmarks with JMH's own options, then prints medians as {@link Report} does. Where no
 * benchmark is named, {@link LossBenchmark} and {@link CallOverhead}.
 *
 * <p>All of them several times over (system property {@code rounds}, by default 3): JMH measures
 * one after the other, and on a machine that is shared the next one may have another memory
 * bandwidth.
 */
public final class Benchmarks {
  private Benchmarks() {}

  /** One operation on one batch: its byte formula, and the times of all rounds in ms. */
  private record Times(Moves moves, List<Double> milliseconds) {
    void add(RunResult result) {
      result.getBenchmarkResults().stream()
          .flatMap(one -> one.getIterationResults().stream())
          .forEach(iteration -> milliseconds.add(iteration.getPrimaryResult().getScore()));
    }

    double median() {
      return new ListStatistics(milliseconds.stream().mapToDouble(ms -> ms).toArray())
          .getPercentile(50);
    }
  }

  /** Takes JMH's arguments, for example {@code -p threads=2 -p dtype=f32}. */
  public static void main(String[] args) throws RunnerException, CommandLineOptionException {
    Options options = options(new CommandLineOptions(args));
    Map<BatchCase, Map<String, Times>> batches = new LinkedHashMap<>();
    for (int round = 0; round < Integer.getInteger("rounds", 3); round++) {
      for (RunResult result : new Runner(options).run()) {
        BenchmarkParams p = result.getParams();
        if (p.getParam("rows") == null) {
          continue; // the call overhead has no batch
        }
        Method method = method(p.getBenchmark());
        batches
            .computeIfAbsent(batch(p), key -> new TreeMap<>())
            .computeIfAbsent(
                method.getName(),
                key -> new Times(method.getAnnotation(Moves.class), new ArrayList<>()))
            .add(result);
      }
    }
    System.out.println(Kernels.describe());
    batches.forEach(
        (batch, times) -> {
          Map<String, Report.Measured> results = new TreeMap<>();
          times.forEach(
              (name, of) -> results.put(name, Report.Measured.of(of.median(), of.moves(), batch)));
          System.out.println(batch);
          new Report(results).lines().forEach(System.out::println);
        });
  }

  private static Options options(CommandLineOptions given) {
    ChainedOptionsBuilder builder =
        new OptionsBuilder().parent(given).exclude(GpuBenchmark.class.getName());
    if (given.getIncludes().isEmpty()) {
      builder.include(LossBenchmark.class.getName()).include(CallOverhead.class.getName());
    }
    return builder.build();
  }

  /** Of a benchmark's full name. */
  private static Method method(String benchmark) {
    int dot = benchmark.lastIndexOf('.');
    try {
      return Arrays.stream(Class.forName(benchmark.substring(0, dot)).getMethods())
          .filter(method -> method.getName().equals(benchmark.substring(dot + 1)))
          .filter(method -> method.isAnnotationPresent(Moves.class))
          .findFirst()
          .orElseThrow(() -> new IllegalStateException(benchmark + " has no byte formula"));
    } catch (ClassNotFoundException e) {
      throw new IllegalStateException(e);
    }
  }

  private static BatchCase batch(BenchmarkParams p) {
    return new BatchCase(
        Long.parseLong(p.getParam("rows")),
        Long.parseLong(p.getParam("vocab")),
        p.getParam("dtype"),
        p.getParam("logits"),
        BatchBenchmark.cores(Integer.parseInt(p.getParam("threads"))),
        Double.parseDouble(p.getParam("entropyCoef")),
        Boolean.parseBoolean(p.getParam("sumSquares")));
  }
}
