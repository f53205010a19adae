package org.grpo4j.trainer.report;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.ToDoubleFunction;
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
    "region",
    "tokens",
    "entropy, nats",
    "1 − Σp²",
    "its bound 1 − e^(−H)",
    "share of ‖dz‖²",
    "variance per token, to the first row's"
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
    html.append(" region's tokens alone; variance per token is that of its gradient times the");
    html.append(" number of these tokens: what one of them contributes.</p>\n");
    List<RegionVariance> byEntropy = RegionVariance.of(regions, gradients);
    html.append("<h2>Lower entropy, lower variance</h2>\n<section class=\"charts\">");
    html.append(chart(bins).render()).append(norms(bins).render());
    html.append(perToken(byEntropy).render()).append("</section>\n");
    Html.openTable(html, regionRows(byEntropy), REGIONS);
    html.append("<h2>Does ResT lower variance?</h2>\n<section class=\"charts\">");
    html.append(toNone("Variance, to none's", gradients, Gradient::varianceTo).render());
    html.append(toNone("Variance / signal, to none's", gradients, Gradient::noiseTo).render());
    html.append("</section>\n");
    Html.openTable(html, gradientRows(gradients), GRADIENTS);
    Html.table(html, "By entropy of the token", binRows(bins), BINS);
    RunFiles.replace(folder.resolve("variance.html"), html.append(Html.END).toString());
    Map<String, @Nullable Object> json = new LinkedHashMap<>();
    json.put("gradients", gradientValues(gradients));
    json.put("regions", byEntropy.stream().map(VarianceReport::regionValues).toList());
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

  private static LineChart perToken(List<RegionVariance> regions) {
    LineChart chart = new LineChart("Variance per token of a region by its entropy", "nats");
    chart.add(
        "to the region of the lowest entropy",
        regions.stream()
            .map(r -> new LineChart.Point(r.tokens().entropy(), r.perToken().value()))
            .toList(),
        regions.stream()
            .filter(r -> !Double.isNaN(r.perToken().low()))
            .map(
                r ->
                    new LineChart.Band(
                        r.tokens().entropy(), r.perToken().low(), r.perToken().high()))
            .toList());
    return chart;
  }

  /** The weightings alone: rows of regions are no weightings. */
  private static IntervalChart toNone(
      String title, List<Gradient> gradients, BiFunction<Gradient, Gradient, Interval> quotient) {
    IntervalChart chart = new IntervalChart(title);
    gradients.stream()
        .filter(g -> g.name().equals("none") || g.name().startsWith("rest"))
        .forEach(g -> chart.add(g.name(), quotient.apply(g, gradients.get(0))));
    return chart;
  }

  private static List<LineChart.Point> points(List<Tokens> bins, ToDoubleFunction<Tokens> value) {
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

  private static List<List<String>> regionRows(List<RegionVariance> regions) {
    List<List<String>> rows = new ArrayList<>();
    for (RegionVariance r : regions) {
      rows.add(
          List.of(
              r.tokens().name(),
              String.valueOf(r.tokens().tokens()),
              Html.number(r.tokens().entropy()),
              Html.number(r.tokens().spread()),
              Html.number(r.tokens().bound()),
              Html.number(r.tokens().share()),
              r.perToken().toString()));
    }
    return rows;
  }

  private static Map<String, @Nullable Object> regionValues(RegionVariance region) {
    Map<String, @Nullable Object> of = new LinkedHashMap<>();
    of.put("name", region.tokens().name());
    of.put("tokens", region.tokens().tokens());
    of.put("entropy", region.tokens().entropy());
    of.put("spread", region.tokens().spread());
    of.put("bound", region.tokens().bound());
    of.put("squaredNorm", region.tokens().squaredNorm());
    of.put("share", region.tokens().share());
    of.put("variance_per_token_to_first", interval(region.perToken()));
    return of;
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
