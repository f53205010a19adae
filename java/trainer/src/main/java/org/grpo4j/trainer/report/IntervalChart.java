package org.grpo4j.trainer.report;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.grpo4j.trainer.statistics.Interval;

/**
 * Estimates with their intervals, one below the other, as inline SVG: a dot and a line from low to
 * high, named at the left, the numbers as a tooltip.
 */
final class IntervalChart {
  private static final double WIDTH = 480;
  private static final double ROW = 22;
  private static final double LEFT = 130;
  private static final double RIGHT = 16;
  private static final double TOP = 6;
  private static final double BOTTOM = 24;
  private static final int TICKS = 4;

  private final String title;
  private final Map<String, Interval> rows = new LinkedHashMap<>();

  IntervalChart(String title) {
    this.title = title;
  }

  /** Adds a row; one without a finite value is left out. */
  void add(String name, Interval interval) {
    if (Double.isFinite(interval.value())) {
      rows.put(name, interval);
    }
  }

  /** The chart with its title; nothing without rows. */
  String render() {
    if (rows.isEmpty()) {
      return "";
    }
    Scale scale = Scale.of(rows.values());
    double height = TOP + rows.size() * ROW + BOTTOM;
    StringBuilder out = new StringBuilder("<figure class=\"chart\"><figcaption>");
    out.append(Html.escape(title)).append("</figcaption>");
    out.append(
        String.format(
            Locale.ROOT,
            "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\">",
            WIDTH,
            height,
            Html.escape(title)));
    for (int i = 0; i <= TICKS; i++) {
      double value = scale.low() + (scale.high() - scale.low()) * i / TICKS;
      line(out, "grid", scale.x(value), scale.x(value), TOP, height - BOTTOM);
      text(out, scale.x(value), height - 8, "middle", Html.number(value));
    }
    int index = 0;
    for (Map.Entry<String, Interval> row : rows.entrySet()) {
      row(out, row.getKey(), row.getValue(), scale, index++);
    }
    return out.append("</svg></figure>\n").toString();
  }

  private static void row(
      StringBuilder out, String name, Interval interval, Scale scale, int index) {
    double y = TOP + ROW * (index + 0.5);
    String colour = "s" + (index % LineChart.MAX_SERIES + 1);
    text(out, LEFT - 10, y + 4, "end", name);
    out.append("<g><title>").append(Html.escape(name + ": " + interval)).append("</title>");
    if (!Double.isNaN(interval.low())) {
      line(out, "line " + colour, scale.x(interval.low()), scale.x(interval.high()), y, y);
    }
    out.append(
        String.format(
            Locale.ROOT,
            "<circle class=\"dot %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/></g>",
            colour,
            scale.x(interval.value()),
            y));
  }

  private static void line(
      StringBuilder out, String style, double x1, double x2, double y1, double y2) {
    out.append(
        String.format(
            Locale.ROOT,
            "<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>",
            style,
            x1,
            x2,
            y1,
            y2));
  }

  private static void text(StringBuilder out, double x, double y, String anchor, String text) {
    out.append(
        String.format(
            Locale.ROOT,
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>",
            x,
            y,
            anchor,
            Html.escape(text)));
  }

  /** The values that the axis shows. */
  private record Scale(double low, double high) {
    static Scale of(Iterable<Interval> intervals) {
      double low = Double.POSITIVE_INFINITY;
      double high = Double.NEGATIVE_INFINITY;
      for (Interval each : intervals) {
        // Math.min of a NaN is NaN: one number has no ends.
        low = Math.min(low, Double.isNaN(each.low()) ? each.value() : each.low());
        high = Math.max(high, Double.isNaN(each.high()) ? each.value() : each.high());
      }
      double margin = high > low ? 0 : Math.max(1e-3, Math.abs(high) * 0.1);
      return new Scale(low - margin, high + margin);
    }

    double x(double value) {
      return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT);
    }
  }
}
