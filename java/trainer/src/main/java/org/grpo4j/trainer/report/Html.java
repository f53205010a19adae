package org.grpo4j.trainer.report;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;

/** Text and numbers for a page. */
final class Html {
  /** Ends what {@link #head} begins. */
  static final String END = "</main></body></html>\n";

  private Html() {}

  /** The beginning of a page without any outside resource, up to its content. */
  static String head(String name) {
    return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>"
        + escape(name)
        + " · grpo4j</title>\n<style>\n"
        + style()
        + "</style></head><body>\n<header><h1>"
        + escape(name)
        + "</h1></header>\n<main>\n";
  }

  private static String style() {
    try (InputStream in = Html.class.getResourceAsStream("report.css")) {
      if (in == null) {
        throw new IllegalStateException("resource report.css is missing");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new IllegalStateException("resource report.css is unreadable", e);
    }
  }

  /** A table that opens on a click; nothing without rows. */
  static void table(StringBuilder out, String title, List<List<String>> rows, String... header) {
    if (rows.isEmpty()) {
      return;
    }
    out.append("<details class=\"table\"><summary>").append(escape(title));
    out.append("</summary>");
    cells(out, rows, header);
    out.append("</details>\n");
  }

  /** A table in the open. */
  static void openTable(StringBuilder out, List<List<String>> rows, String... header) {
    out.append("<div class=\"table\">");
    cells(out, rows, header);
    out.append("</div>\n");
  }

  private static void cells(StringBuilder out, List<List<String>> rows, String... header) {
    out.append("<table><thead><tr>");
    for (String cell : header) {
      out.append("<th>").append(escape(cell)).append("</th>");
    }
    out.append("</tr></thead><tbody>\n");
    for (List<String> row : rows) {
      out.append("<tr>");
      row.forEach(cell -> out.append("<td>").append(escape(cell)).append("</td>"));
      out.append("</tr>\n");
    }
    out.append("</tbody></table>");
  }

  /** Text as it may stand between tags and inside quotes; control characters become U+FFFD. */
  static String escape(String text) {
    StringBuilder out = new StringBuilder(text.length() + 16);
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '"' -> out.append("&quot;");
                case '\'' -> out.append("&#39;");
                default -> out.appendCodePoint(isText(c) ? c : 0xFFFD);
              }
            });
    return out.toString();
  }

  private static boolean isText(int c) {
    boolean surrogate = c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE;
    return c == '\n' || c == '\t' || (c >= 0x20 && (c < 0x7f || c > 0x9f) && !surrogate);
  }

  /** A number with about four significant digits and no padding. */
  static String number(double value) {
    if (!Double.isFinite(value)) {
      return "–";
    }
    double size = Math.abs(value);
    if (size != 0 && (size < 1e-3 || size >= 1e7)) {
      return String.format(Locale.ROOT, "%.2e", value)
          .replaceAll("\\.?0*e", "e")
          .replaceAll("e([+-])0", "e$1")
          .replace("e+", "e");
    }
    int decimals = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4;
    String text = String.format(Locale.ROOT, "%,." + decimals + "f", value);
    return text.contains(".") ? text.replaceAll("\\.?0+$", "") : text;
  }
}
