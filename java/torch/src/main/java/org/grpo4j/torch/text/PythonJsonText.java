package org.grpo4j.torch.text;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Iterator;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * JSON text exactly as Python's {@code json.dumps} writes it: {@code ", "} and {@code ": "} between
 * parts, keys in their order, floats as Python's repr. It is what chat templates and benchmarks put
 * tool signatures into prompts with, so every character counts.
 */
public final class PythonJsonText {
  private static final int ONE_LINE = -1;

  private final StringBuilder out = new StringBuilder();
  private final int indent;
  private final boolean ascii;

  private PythonJsonText(int indent, boolean ascii) {
    this.indent = indent;
    this.ascii = ascii;
  }

  /** {@code json.dumps(value, ensure_ascii=False)}. */
  public static String dumps(@Nullable Object value) {
    return dumps(value, ONE_LINE);
  }

  /**
   * {@code json.dumps(value, ensure_ascii=False, indent=indent)}.
   *
   * @param value maps, iterables, strings, numbers, booleans and null
   * @param indent spaces per level, or -1 for one line
   */
  public static String dumps(@Nullable Object value, int indent) {
    return text(value, indent, false);
  }

  /** Python's defaults, {@code json.dumps(value)}: what is not ASCII is escaped. */
  public static String ascii(@Nullable Object value) {
    return ascii(value, ONE_LINE);
  }

  /** {@code json.dumps(value, indent=indent)}; -1 for one line. */
  public static String ascii(@Nullable Object value, int indent) {
    return text(value, indent, true);
  }

  private static String text(@Nullable Object value, int indent, boolean ascii) {
    PythonJsonText json = new PythonJsonText(indent, ascii);
    json.write(value, 0);
    return json.out.toString();
  }

  private void write(@Nullable Object value, int depth) {
    if (value == null) {
      out.append("null");
    } else if (value instanceof String text) {
      string(text);
    } else if (value instanceof Boolean) {
      out.append(value);
    } else if (value instanceof Double || value instanceof Float || value instanceof BigDecimal) {
      out.append(json(((Number) value).doubleValue()));
    } else if (value instanceof Number) {
      out.append(value);
    } else if (value instanceof Map<?, ?> map) {
      object(map, depth);
    } else if (value instanceof Iterable<?> list) {
      array(list, depth);
    } else {
      throw new IllegalArgumentException(
          "not a JSON value: an object of type " + value.getClass().getSimpleName());
    }
  }

  private void object(Map<?, ?> map, int depth) {
    if (map.isEmpty()) {
      out.append("{}");
      return;
    }
    out.append('{');
    for (Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator();
        entries.hasNext(); ) {
      newLine(depth + 1);
      Map.Entry<?, ?> entry = entries.next();
      string(String.valueOf(entry.getKey()));
      out.append(": ");
      write(entry.getValue(), depth + 1);
      separator(entries.hasNext());
    }
    newLine(depth);
    out.append('}');
  }

  private void array(Iterable<?> list, int depth) {
    Iterator<?> items = list.iterator();
    if (!items.hasNext()) {
      out.append("[]");
      return;
    }
    out.append('[');
    while (items.hasNext()) {
      newLine(depth + 1);
      write(items.next(), depth + 1);
      separator(items.hasNext());
    }
    newLine(depth);
    out.append(']');
  }

  private void separator(boolean more) {
    if (more) {
      out.append(indent < 0 ? ", " : ",");
    }
  }

  private void newLine(int depth) {
    if (indent >= 0) {
      out.append('\n').append(" ".repeat(indent * depth));
    }
  }

  private void string(String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (c < 0x20 || (ascii && c >= 0x7f)) {
            out.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }

  private static String json(double value) {
    if (Double.isNaN(value)) {
      return "NaN";
    }
    return Double.isInfinite(value) ? (value > 0 ? "Infinity" : "-Infinity") : repr(value);
  }

  /**
   * Python's repr of a float: the shortest digits that read back as the same double, in positional
   * form for exponents from -4 to 15.
   */
  public static String repr(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    if (Double.isInfinite(value)) {
      return value > 0 ? "inf" : "-inf";
    }
    if (value == 0) {
      return 1 / value < 0 ? "-0.0" : "0.0";
    }
    BigDecimal shortest = shortest(value).stripTrailingZeros();
    String digits = shortest.unscaledValue().abs().toString();
    int exponent = digits.length() - 1 - shortest.scale();
    String sign = value < 0 ? "-" : "";
    if (exponent >= -4 && exponent < 16) {
      String plain = shortest.abs().toPlainString();
      return sign + (plain.contains(".") ? plain : plain + ".0");
    }
    String mantissa =
        digits.substring(0, 1) + (digits.length() > 1 ? "." : "") + digits.substring(1);
    return sign
        + mantissa
        + String.format(Locale.ROOT, "e%s%02d", exponent < 0 ? "-" : "+", Math.abs(exponent));
  }

  /** Java before 19 prints some doubles with more digits than needed, 2.0E-3 among them. */
  private static BigDecimal shortest(double value) {
    for (int digits = 1; digits < 17; digits++) {
      BigDecimal rounded =
          new BigDecimal(value).round(new MathContext(digits, RoundingMode.HALF_EVEN));
      if (rounded.doubleValue() == value) {
        return rounded;
      }
    }
    return new BigDecimal(value).round(new MathContext(17));
  }
}
