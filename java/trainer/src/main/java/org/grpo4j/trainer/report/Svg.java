package org.grpo4j.trainer.report;

import java.util.Locale;

/** The inline SVG of a chart, element by element. */
final class Svg {
  private Svg() {}

  static void begin(StringBuilder out, double width, double height, String label) {
    out.append(
        String.format(
            Locale.ROOT,
            "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\">",
            width,
            height,
            Html.escape(label)));
  }

  static void line(StringBuilder out, String style, double x1, double x2, double y1, double y2) {
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

  /** A dot in the colour of series n, counted from 1. */
  static void dot(StringBuilder out, int n, double x, double y) {
    out.append(
        String.format(
            Locale.ROOT, "<circle class=\"dot s%d\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", n, x, y));
  }

  static void text(StringBuilder out, double x, double y, String anchor, String text) {
    out.append(
        String.format(
            Locale.ROOT,
            "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>",
            x,
            y,
            anchor,
            Html.escape(text)));
  }
}
