package org.grpo4j.trainer.report;

import java.util.LinkedHashMap;
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
    Svg.begin(out, WIDTH, height, title);
    for (int i = 0; i <= TICKS; i++) {
      double value = scale.low() + (scale.high() - scale.low()) * i / TICKS;
      Svg.line(out, "grid", scale.x(value), scale.x(value), TOP, height - BOTTOM);
      Svg.text(out, scale.x(value), height - 8, "middle", Html.number(value));
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
    int colour = index % LineChart.MAX_SERIES + 1;
    Svg.text(out, LEFT - 10, y + 4, "end", name);
    out.append("<g><title>").append(Html.escape(name + ": " + interval)).append("</title>");
    if (!Double.isNaN(interval.low())) {
      Svg.line(out, "line s" + colour, scale.x(interval.low()), scale.x(interval.high()), y, y);
    }
    Svg.dot(out, colour, scale.x(interval.value()), y);
    out.append("</g>");
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
