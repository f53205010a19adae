package org.grpo4j.trainer.report;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.statistics.Interval;
import org.jspecify.annotations.Nullable;

/** variance.json and variance.html: the theory's two claims as figures. */
public final class VarianceReport {
  private static final String[] GRADIENTS = {
    "tokens that weigh",
    "variance",
    "signal",
    "variance / signal",
    "variance to none's",
    "variance / signal to none's"
  };
  private static final String[] REGIONS = {
    "region", "tokens", "entropy, nats", "1 − Σp²", "its bound 1 − e^(−H)", "share of ‖dz‖²"
  };
  private static final String[] BINS = {
    "entropy, nats", "tokens", "1 − Σp²", "1 − e^(−H)", "mean ‖dz‖²"
  };

  private VarianceReport() {}

  /**
   * A gradient under one weighting.
   *
   * @param name of the weighting, or of the region whose tokens alone weigh
   * @param variances trace of the covariance, by pair of rollouts
   * @param signals squared norm of the expectation, by pair of rollouts
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Gradient(String name, double[] variances, double[] signals) {
    Interval noise() {
      return Interval.ofRatio(variances, signals, variances.length);
    }

    Interval variance() {
      return Interval.ofMean(variances);
    }

    Interval signal() {
      return Interval.ofMean(signals);
    }

    Interval varianceTo(Gradient other) {
      return Interval.ofRatio(variances, other.variances, variances.length);
    }

    Interval noiseTo(Gradient other) {
      return Interval.bootstrap(
          variances.length,
          at ->
              sum(variances, at)
                  / sum(signals, at)
                  / (sum(other.variances, at) / sum(other.signals, at)),
          variances.length);
    }

    private static double sum(double[] values, int[] at) {
      double sum = 0;
      for (int i : at) {
        sum += values[i];
      }
      return sum;
    }
  }

  /**
   * Tokens of one region, or of similar entropy.
   *
   * @param name of the region; a number for a bin
   * @param tokens how many
   * @param entropy mean, nats
   * @param spread mean 1 − Σp²
   * @param bound mean 1 − e^(−H)
   * @param squaredNorm mean squared norm of the gradient to the logits, without weighting
   * @param share part of the sum of those
   */
  public record Tokens(
      String name,
      long tokens,
      double entropy,
      double spread,
      double bound,
      double squaredNorm,
      double share) {}

  /**
   * Writes both files.
   *
   * @param folder an existing folder
   * @param gradients the first is the one without weighting
   */
  public static void write(
      Path folder, List<Gradient> gradients, List<Tokens> regions, List<Tokens> bins) {
    StringBuilder html = new StringBuilder(Html.head("variance"));
    html.append("<p class=\"note\">At one checkpoint, ")
        .append(gradients.get(0).variances().length);
    html.append(" pairs of rollouts, the same samples for every weighting. Variance: trace of the");
    html.append(" covariance of the gradient to the parameters; signal: squared norm of its");
    html.append(" expectation; 95% intervals. A row named after a region has the mean over that");
    html.append(" region's tokens alone.</p>\n<section class=\"charts\">");
    html.append(chart(bins).render()).append(norms(bins).render()).append("</section>\n");
    Html.openTable(html, gradientRows(gradients), GRADIENTS);
    Html.openTable(html, regionRows(regions), REGIONS);
    Html.table(html, "By entropy of the token", binRows(bins), BINS);
    RunFiles.replace(folder.resolve("variance.html"), html.append(Html.END).toString());
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("gradients", gradientValues(gradients));
    json.put("regions", regions);
    json.put("entropy_bins", bins);
    RunFiles.replace(folder.resolve("variance.json"), RunDirectory.line(json) + "\n");
  }

  /** The table of the weightings as lines of text. */
  public static List<String> lines(List<Gradient> gradients) {
    return gradientRows(gradients).stream().map(row -> String.join("  ", row)).toList();
  }

  private static LineChart chart(List<Tokens> bins) {
    LineChart chart = new LineChart("1 − Σp² of a token by its entropy", "nats");
    chart.add("mean 1 − Σp²", points(bins, Tokens::spread));
    chart.add("bound 1 − e^(−H)", points(bins, Tokens::bound));
    return chart;
  }

  private static LineChart norms(List<Tokens> bins) {
    LineChart chart = new LineChart("Squared norm of a token's gradient to the logits", "nats");
    chart.add("mean ‖dz‖²", points(bins, Tokens::squaredNorm));
    return chart;
  }

  private static List<LineChart.Point> points(
      List<Tokens> bins, java.util.function.ToDoubleFunction<Tokens> value) {
    return bins.stream()
        .map(b -> new LineChart.Point(b.entropy(), value.applyAsDouble(b)))
        .toList();
  }

  private static List<List<String>> gradientRows(List<Gradient> gradients) {
    Gradient none = gradients.get(0);
    List<List<String>> rows = new ArrayList<>();
    for (Gradient g : gradients) {
      rows.add(
          List.of(
              g.name(),
              Html.number(g.variance().value()),
              Html.number(g.signal().value()),
              g.noise().toString(),
              g.varianceTo(none).toString(),
              g.noiseTo(none).toString()));
    }
    return rows;
  }

  private static List<List<String>> regionRows(List<Tokens> regions) {
    List<List<String>> rows = new ArrayList<>();
    for (Tokens r : regions) {
      rows.add(
          List.of(
              r.name(),
              String.valueOf(r.tokens()),
              Html.number(r.entropy()),
              Html.number(r.spread()),
              Html.number(r.bound()),
              Html.number(r.share())));
    }
    return rows;
  }

  private static List<List<String>> binRows(List<Tokens> bins) {
    List<List<String>> rows = new ArrayList<>();
    for (Tokens b : bins) {
      rows.add(
          List.of(
              Html.number(b.entropy()),
              String.valueOf(b.tokens()),
              Html.number(b.spread()),
              Html.number(b.bound()),
              Html.number(b.squaredNorm())));
    }
    return rows;
  }

  private static List<Map<String, @Nullable Object>> gradientValues(List<Gradient> gradients) {
    Gradient none = gradients.get(0);
    List<Map<String, @Nullable Object>> values = new ArrayList<>();
    for (Gradient g : gradients) {
      Map<String, @Nullable Object> of = new LinkedHashMap<>();
      of.put("name", g.name());
      of.put("variances", g.variances());
      of.put("signals", g.signals());
      of.put("variance_over_signal", interval(g.noise()));
      of.put("variance_to_none", interval(g.varianceTo(none)));
      of.put("variance_over_signal_to_none", interval(g.noiseTo(none)));
      values.add(of);
    }
    return values;
  }

  private static Map<String, @Nullable Object> interval(Interval interval) {
    Map<String, @Nullable Object> of = new LinkedHashMap<>();
    of.put("value", Summary.finite(interval.value()));
    of.put("low", Summary.finite(interval.low()));
    of.put("high", Summary.finite(interval.high()));
    return of;
  }
}
