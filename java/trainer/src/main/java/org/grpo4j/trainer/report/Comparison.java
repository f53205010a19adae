package org.grpo4j.trainer.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import org.grpo4j.trainer.statistics.Interval;
import org.grpo4j.trainer.statistics.PairedTest;

/**
 * The runs of one task by method, and what they say: intervals over the seeds, and each method
 * against the baseline on the seeds that both have.
 *
 * @param task its name
 * @param baseline the method that the others are tested against
 * @param byMethod finished runs in the order of their seeds
 */
record Comparison(String task, String baseline, Map<String, List<ComparedRun>> byMethod) {
  /** Places of the token axis at which curves are averaged. */
  private static final int GRID = 24;

  Comparison {
    byMethod = new LinkedHashMap<>(byMethod);
  }

  /** Mean of a value over a method's seeds. */
  Interval interval(String method, ToDoubleFunction<ComparedRun> value) {
    return Interval.ofMean(runs(method).stream().mapToDouble(value).toArray());
  }

  /** The largest value among a method's seeds. */
  double largest(String method, ToDoubleFunction<ComparedRun> value) {
    return runs(method).stream().mapToDouble(value).max().orElse(Double.NaN);
  }

  /** Variance of a step's gradient over its squared expectation, both summed over the steps. */
  static double noise(ComparedRun run) {
    return run.variance() / run.signal();
  }

  /** The difference to the baseline in a value, seed by seed. */
  PairedTest against(String method, ToDoubleFunction<ComparedRun> value) {
    List<Double> treatment = new ArrayList<>();
    List<Double> control = new ArrayList<>();
    for (ComparedRun run : runs(method)) {
      for (ComparedRun other : runs(baseline)) {
        if (other.seed() == run.seed()) {
          treatment.add(value.applyAsDouble(run));
          control.add(value.applyAsDouble(other));
        }
      }
    }
    return PairedTest.of(doubles(treatment), doubles(control));
  }

  List<ComparedRun> runs(String method) {
    return byMethod.getOrDefault(method, List.of());
  }

  /** The methods that have finished runs. */
  List<String> methods() {
    return byMethod.keySet().stream().filter(m -> !runs(m).isEmpty()).toList();
  }

  /** Mean over the seeds of the exact calls in the rollouts, and its standard deviation around. */
  LineChart learning() {
    return chart("Exact calls in rollouts, mean ± sd over seeds", ComparedRun::curve);
  }

  /** The same of the estimated variance of a step's gradient. */
  LineChart variance() {
    return chart("Variance of a step's gradient, mean ± sd over seeds", ComparedRun::variances);
  }

  /** A value of every method with its interval over the seeds. */
  IntervalChart intervals(String title, ToDoubleFunction<ComparedRun> value) {
    IntervalChart chart = new IntervalChart(title);
    methods().forEach(method -> chart.add(method, interval(method, value)));
    return chart;
  }

  private LineChart chart(String title, Function<ComparedRun, List<LineChart.Point>> curve) {
    LineChart chart = new LineChart(title, "tokens");
    double most =
        byMethod.values().stream()
            .flatMap(List::stream)
            .mapToDouble(ComparedRun::tokens)
            .max()
            .orElse(1);
    for (String method : methods()) {
      List<LineChart.Point> line = new ArrayList<>();
      List<LineChart.Band> band = new ArrayList<>();
      for (int i = 0; i < GRID; i++) {
        double from = most * i / GRID;
        double to = most * (i + 1) / GRID;
        double[] values =
            runs(method).stream()
                .mapToDouble(run -> meanBetween(curve.apply(run), from, to))
                .filter(v -> !Double.isNaN(v))
                .toArray();
        if (values.length == runs(method).size()) {
          double mean = DoubleStream.of(values).average().orElseThrow();
          double sd = deviation(values, mean);
          line.add(new LineChart.Point((from + to) / 2, mean));
          band.add(new LineChart.Band((from + to) / 2, mean - sd, mean + sd));
        }
      }
      chart.add(method, line, band);
    }
    return chart;
  }

  private static double meanBetween(List<LineChart.Point> curve, double from, double to) {
    return curve.stream()
        .filter(p -> p.step() > from && p.step() <= to)
        .mapToDouble(LineChart.Point::value)
        .average()
        .orElse(Double.NaN);
  }

  private static double deviation(double[] values, double mean) {
    double sum = DoubleStream.of(values).map(v -> (v - mean) * (v - mean)).sum();
    return values.length < 2 ? 0 : Math.sqrt(sum / (values.length - 1));
  }

  private static double[] doubles(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
