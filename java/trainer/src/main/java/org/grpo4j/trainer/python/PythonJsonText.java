package org.grpo4j.trainer.python;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Python's {@code json.dumps(value)} with its defaults: ASCII only, {@code ", "} and {@code ": "}
 * between things. Prompts hold such texts, and a model sees every space of them.
 */
public final class PythonJsonText {
  private static final int ONE_LINE = -1;

  private final int indent;
  private final StringBuilder out = new StringBuilder();

  private PythonJsonText(int indent) {
    this.indent = indent;
  }

  /** {@code json.dumps(value)}. */
  public static String of(@Nullable Object value) {
    return indented(value, ONE_LINE);
  }

  /** {@code json.dumps(value, indent=indent)}. */
  public static String indented(@Nullable Object value, int indent) {
    PythonJsonText text = new PythonJsonText(indent);
    text.write(value, 0);
    return text.out.toString();
  }

  private void write(@Nullable Object value, int depth) {
    if (value instanceof Map<?, ?> map) {
      List<Runnable> entries = new ArrayList<>();
      map.forEach(
          (key, item) ->
              entries.add(
                  () -> {
                    quote(String.valueOf(key));
                    out.append(": ");
                    write(item, depth + 1);
                  }));
      items('{', entries, '}', depth);
    } else if (value instanceof List<?> list) {
      List<Runnable> entries = new ArrayList<>();
      list.forEach(item -> entries.add(() -> write(item, depth + 1)));
      items('[', entries, ']', depth);
    } else if (value instanceof String text) {
      quote(text);
    } else if (value == null || value instanceof Boolean) {
      out.append(value);
    } else if (value instanceof Double d && !Double.isFinite(d)) {
      out.append(d.isNaN() ? "NaN" : d > 0 ? "Infinity" : "-Infinity");
    } else {
      out.append(PythonRepr.of(value));
    }
  }

  private void items(char open, List<Runnable> items, char close, int depth) {
    out.append(open);
    for (int i = 0; i < items.size(); i++) {
      if (indent == ONE_LINE) {
        out.append(i == 0 ? "" : ", ");
      } else {
        out.append(i == 0 ? "" : ",");
        newLine(depth + 1);
      }
      items.get(i).run();
    }
    if (indent != ONE_LINE && !items.isEmpty()) {
      newLine(depth);
    }
    out.append(close);
  }

  private void newLine(int depth) {
    out.append('\n').append(" ".repeat(indent * depth));
  }

  private void quote(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\f' -> out.append("\\f");
        case '\b' -> out.append("\\b");
        default -> {
          if (c >= 0x20 && c < 0x7f) {
            out.append(c);
          } else {
            out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
          }
        }
      }
    }
    out.append('"');
  }
}
