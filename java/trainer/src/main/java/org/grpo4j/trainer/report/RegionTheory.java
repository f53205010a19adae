package org.grpo4j.trainer.report;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.statistics.Interval;
import org.jspecify.annotations.Nullable;

/**
 * ResT's two claims in the steps of one run: tokens of low entropy have gradients of low variance,
 * and how much of a step's gradient is noise.
 */
final class RegionTheory {
  private static final String ENTROPY = "entropy/";
  private static final String[] HEADER = {
    "region", "entropy, nats", "1 − Σp²", "mean token weight", "share of ‖dz‖²"
  };
  private static final String NOTE =
      "Regions by their entropy: mean over the logged steps with its 95% interval (Student's t;"
          + " steps that follow each other resemble each other, so it is rather too narrow)."
          + " 1 − Σp² is the expected squared norm of a token's gradient to the logits.";

  private RegionTheory() {}

  /** A region's means over the steps. */
  private record Row(
      String region, Interval entropy, Interval spread, Interval weight, Interval share) {
    List<String> cells() {
      return List.of(
          region, entropy.toString(), spread.toString(), weight.toString(), share.toString());
    }
  }

  /**
   * Adds figure and table; nothing where no step was logged.
   *
   * @param rows of metrics.jsonl
   */
  static void append(StringBuilder out, List<Map<String, @Nullable Object>> rows) {
    List<Row> regions = regions(rows);
    if (regions.isEmpty()) {
      return;
    }
    out.append("<h2>Lower entropy, lower variance</h2>\n<p class=\"note\">").append(NOTE);
    out.append(noise(rows)).append("</p>\n<section class=\"charts\">");
    LineChart chart = new LineChart("1 − Σp² of a region by its entropy", "nats");
    List<Row> measured = regions.stream().filter(r -> !Double.isNaN(r.spread().value())).toList();
    chart.add(
        "1 − Σp²",
        measured.stream()
            .map(r -> new LineChart.Point(r.entropy().value(), r.spread().value()))
            .toList(),
        measured.stream()
            .filter(r -> !Double.isNaN(r.spread().low()))
            .map(r -> new LineChart.Band(r.entropy().value(), r.spread().low(), r.spread().high()))
            .toList());
    if (!chart.isEmpty()) {
      out.append(chart.render());
    }
    IntervalChart entropies = new IntervalChart("Entropy of a region, nats");
    regions.forEach(r -> entropies.add(r.region(), r.entropy()));
    out.append(entropies.render()).append("</section>\n");
    Html.openTable(out, regions.stream().map(Row::cells).toList(), HEADER);
  }

  private static List<Row> regions(List<Map<String, @Nullable Object>> rows) {
    List<String> names =
        rows.stream()
            .flatMap(row -> row.keySet().stream())
            .filter(key -> key.startsWith(ENTROPY))
            .map(key -> key.substring(ENTROPY.length()))
            .distinct()
            .toList();
    List<Row> regions = new ArrayList<>();
    for (String name : names) {
      regions.add(
          new Row(
              name,
              mean(rows, ENTROPY + name),
              mean(rows, "one_minus_sum_p2/" + name),
              mean(rows, "token_weight/" + name),
              mean(rows, "grad_share/" + name)));
    }
    regions.sort(Comparator.comparingDouble(r -> r.entropy().value()));
    return regions;
  }

  /** Both estimates of a step are noisy: only their sums over the run make a quotient. */
  private static String noise(List<Map<String, @Nullable Object>> rows) {
    double[] variances = numbers(rows, "gradient/variance");
    double[] signals = numbers(rows, "gradient/signal");
    if (variances.length == 0 || variances.length != signals.length) {
      return " The variance of a step's gradient is estimated with gradient_variance=true.";
    }
    return " Variance of a step's gradient over its squared expectation, both summed over the"
        + " logged steps: "
        + Interval.ofRatio(variances, signals, variances.length)
        + " (bootstrap over the steps).";
  }

  private static Interval mean(List<Map<String, @Nullable Object>> rows, String name) {
    return Interval.ofMean(numbers(rows, name));
  }

  private static double[] numbers(List<Map<String, @Nullable Object>> rows, String name) {
    return rows.stream()
        .map(row -> row.get(name))
        .filter(Number.class::isInstance)
        .mapToDouble(value -> ((Number) value).doubleValue())
        .toArray();
  }
}
