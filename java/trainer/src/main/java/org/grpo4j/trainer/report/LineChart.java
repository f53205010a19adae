package org.grpo4j.trainer.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A line chart over optimizer steps, or another axis, as inline SVG. A line may have a band.
 * Colours are CSS variables of the page, so that it follows the light or dark theme; every point
 * carries its values as a tooltip.
 */
final class LineChart {
  /** Lines that keep distinct colours; a chart never has more. */
  static final int MAX_SERIES = 10;

  private static final int MAX_POINTS = 240;
  private static final double WIDTH = 480;
  private static final double HEIGHT = 210;
  private static final double LEFT = 52;
  private static final double RIGHT = 12;
  private static final double TOP = 10;
  private static final double BOTTOM = 26;

  /** A measured value. */
  record Point(double step, double value) {}

  /** What lies around a line at one place. */
  record Band(double step, double low, double high) {}

  private final String title;
  private final String axis;
  private final Map<String, List<Band>> bands = new LinkedHashMap<>();
  private final Map<String, List<Point>> series = new LinkedHashMap<>();
  private double firstStep = Double.POSITIVE_INFINITY;
  private double lastStep = Double.NEGATIVE_INFINITY;
  private double low = Double.POSITIVE_INFINITY;
  private double high = Double.NEGATIVE_INFINITY;
  private double tick;

  LineChart(String title) {
    this(title, "step");
  }

  /**
   * @param axis what lies along it, before the first number
   */
  LineChart(String title, String axis) {
    this.title = title;
    this.axis = axis;
  }

  /** Adds a line of few points with a band around it. */
  void add(String name, List<Point> points, List<Band> band) {
    add(name, points);
    if (!series.containsKey(name)) {
      return;
    }
    bands.put(name, band);
    for (Band b : band) {
      low = Math.min(low, b.low());
      high = Math.max(high, b.high());
    }
  }

  /** Adds a line; long ones are thinned to the mean of neighbouring points. */
  void add(String name, List<Point> points) {
    List<Point> thin = thin(points);
    if (thin.isEmpty() || series.size() == MAX_SERIES) {
      return;
    }
    series.put(name, thin);
    for (Point p : thin) {
      firstStep = Math.min(firstStep, p.step());
      lastStep = Math.max(lastStep, p.step());
      low = Math.min(low, p.value());
      high = Math.max(high, p.value());
    }
  }

  boolean isEmpty() {
    return series.isEmpty();
  }

  static List<Point> thin(List<Point> points) {
    int bucket = (points.size() + MAX_POINTS - 1) / MAX_POINTS;
    if (bucket <= 1) {
      return points;
    }
    List<Point> result = new ArrayList<>();
    for (int from = 0; from < points.size(); from += bucket) {
      List<Point> part = points.subList(from, Math.min(points.size(), from + bucket));
      double sum = part.stream().mapToDouble(Point::value).sum();
      result.add(new Point(part.get(part.size() - 1).step(), sum / part.size()));
    }
    return result;
  }

  /** The chart with its title and, for several lines, a legend. */
  String render() {
    scale();
    StringBuilder out = new StringBuilder("<figure class=\"chart\"><figcaption>");
    out.append(Html.escape(title)).append("</figcaption>");
    legend(out);
    Svg.begin(out, WIDTH, HEIGHT, title);
    grid(out);
    int index = 0;
    for (String name : series.keySet()) {
      band(out, bands.getOrDefault(name, List.of()), ++index);
    }
    index = 0;
    for (List<Point> points : series.values()) {
      line(out, points, ++index);
    }
    tooltips(out);
    return out.append("</svg></figure>\n").toString();
  }

  /** Widens the value range to round numbers. */
  private void scale() {
    if (high - low < 1e-12 * Math.max(1, Math.abs(high))) {
      double margin = high == 0 ? 1 : Math.abs(high) * 0.1;
      low -= margin;
      high += margin;
    }
    double raw = (high - low) / 4;
    double magnitude = Math.pow(10, Math.floor(Math.log10(raw)));
    double ratio = raw / magnitude;
    tick = magnitude * (ratio <= 1 ? 1 : ratio <= 2 ? 2 : ratio <= 5 ? 5 : 10);
    low = Math.floor(low / tick) * tick;
    high = Math.ceil(high / tick) * tick;
    if (lastStep <= firstStep) {
      lastStep = firstStep + 1;
    }
  }

  private void legend(StringBuilder out) {
    if (series.size() < 2) {
      return;
    }
    out.append("<ul class=\"legend\">");
    int index = 0;
    for (String name : series.keySet()) {
      out.append("<li><i class=\"s").append(++index).append("\"></i>");
      out.append(Html.escape(name)).append("</li>");
    }
    out.append("</ul>");
  }

  private void grid(StringBuilder out) {
    long ticks = Math.round((high - low) / tick);
    for (int i = 0; i <= ticks; i++) {
      double value = low + i * tick;
      double y = y(value);
      Svg.line(out, "grid", LEFT, WIDTH - RIGHT, y, y);
      // Rounding to a millionth of a tick turns -1.4e-17 into 0.
      double label = Math.rint(value / tick * 1e6) / 1e6 * tick;
      Svg.text(out, LEFT - 6, y + 4, "end", Html.number(label == 0 ? 0 : label));
    }
    for (int i = 0; i <= 4; i++) {
      double step = firstStep + (lastStep - firstStep) * i / 4;
      String anchor = i == 0 ? "start" : i == 4 ? "end" : "middle";
      Svg.text(out, x(step), HEIGHT - 8, anchor, (i == 0 ? axis + " " : "") + tickText(step));
    }
  }

  /** Steps and tokens are whole; a short axis, such as one of nats, needs its decimals. */
  private String tickText(double at) {
    return lastStep - firstStep >= 8 ? String.valueOf(Math.round(at)) : Html.number(at);
  }

  private void band(StringBuilder out, List<Band> band, int index) {
    if (band.size() < 2) {
      return;
    }
    out.append("<polygon class=\"band s").append(index).append("\" points=\"");
    for (Band b : band) {
      out.append(String.format(Locale.ROOT, "%.1f,%.1f ", x(b.step()), y(b.low())));
    }
    for (int i = band.size() - 1; i >= 0; i--) {
      Band b = band.get(i);
      out.append(String.format(Locale.ROOT, "%.1f,%.1f ", x(b.step()), y(b.high())));
    }
    out.append("\"/>");
  }

  private void line(StringBuilder out, List<Point> points, int index) {
    if (points.size() == 1) {
      Point p = points.get(0);
      Svg.dot(out, index, x(p.step()), y(p.value()));
      return;
    }
    out.append("<polyline class=\"line s").append(index).append("\" points=\"");
    for (Point p : points) {
      out.append(String.format(Locale.ROOT, "%.1f,%.1f ", x(p.step()), y(p.value())));
    }
    out.append("\"/>");
  }

  /** Invisible columns, one per step shown, whose titles list every line's value there. */
  private void tooltips(StringBuilder out) {
    Map<Double, StringBuilder> texts = new java.util.TreeMap<>();
    series.forEach(
        (name, points) -> {
          for (Point p : points) {
            texts
                .computeIfAbsent(p.step(), s -> new StringBuilder(axis + " " + tickText(s)))
                .append('\n')
                .append(name)
                .append(": ")
                .append(Html.number(p.value()));
          }
        });
    double width = Math.max(2, (WIDTH - LEFT - RIGHT) / Math.max(1, texts.size() - 1));
    texts.forEach(
        (step, text) ->
            out.append(
                String.format(
                    Locale.ROOT,
                    "<rect class=\"hit\" x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%.0f\">"
                        + "<title>%s</title></rect>",
                    x(step) - width / 2,
                    TOP,
                    width,
                    HEIGHT - TOP - BOTTOM,
                    Html.escape(text.toString()))));
  }

  private double x(double step) {
    return LEFT + (step - firstStep) / (lastStep - firstStep) * (WIDTH - LEFT - RIGHT);
  }

  private double y(double value) {
    return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM);
  }
}
