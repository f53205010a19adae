package org.grpo4j.trainer.python;

import java.math.BigInteger;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.grpo4j.torch.text.PythonJsonText;
import org.jspecify.annotations.Nullable;

/** Python's {@code repr(value)}. */
public final class PythonRepr {
  private PythonRepr() {}

  public static String of(@Nullable Object value) {
    if (value == null) {
      return "None";
    }
    if (value instanceof Boolean b) {
      return b ? "True" : "False";
    }
    if (value instanceof BigInteger i) {
      return i.toString();
    }
    if (value instanceof Double d) {
      return PythonJsonText.repr(d);
    }
    if (value instanceof String text) {
      return text(text);
    }
    if (value instanceof PythonBytes bytes) {
      return "b" + quoted(bytes.latin1(), true);
    }
    if (value instanceof PythonComplex c) {
      return complex(c);
    }
    if (value instanceof PythonTuple tuple) {
      return tuple.items().size() == 1
          ? "(" + of(tuple.items().get(0)) + ",)"
          : "(" + joined(tuple.items()) + ")";
    }
    if (value instanceof List<?> list) {
      return "[" + joined(list) + "]";
    }
    if (value instanceof Map<?, ?> map) {
      return map.entrySet().stream()
          .map(e -> of(e.getKey()) + ": " + of(e.getValue()))
          .collect(Collectors.joining(", ", "{", "}"));
    }
    throw new IllegalArgumentException("no Python value: " + value.getClass());
  }

  private static String joined(List<?> items) {
    return items.stream().map(PythonRepr::of).collect(Collectors.joining(", "));
  }

  /** A float without its fraction if that is zero, as in a complex number. */
  private static String part(double value) {
    String text = PythonJsonText.repr(value);
    return text.endsWith(".0") ? text.substring(0, text.length() - 2) : text;
  }

  private static String complex(PythonComplex c) {
    String imaginary = part(c.imaginary()) + "j";
    if (c.real() == 0 && 1 / c.real() > 0) {
      return imaginary;
    }
    return "(" + part(c.real()) + (imaginary.startsWith("-") ? "" : "+") + imaginary + ")";
  }

  private static String text(String text) {
    return quoted(text, false);
  }

  private static String quoted(String text, boolean bytes) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    StringBuilder out = new StringBuilder(text.length() + 2).append(quote);
    text.codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '\n' -> out.append("\\n");
                case '\r' -> out.append("\\r");
                case '\t' -> out.append("\\t");
                case '\\' -> out.append("\\\\");
                default -> {
                  if (c == quote) {
                    out.append('\\').append(quote);
                  } else if (bytes ? c >= 0x20 && c < 0x7f : isPrintable(c)) {
                    out.appendCodePoint(c);
                  } else {
                    out.append(escape(c));
                  }
                }
              }
            });
    return out.append(quote).toString();
  }

  private static String escape(int c) {
    String format = c <= 0xff ? "\\x%02x" : c <= 0xffff ? "\\u%04x" : "\\U%08x";
    return String.format(Locale.ROOT, format, c);
  }

  /** {@code str.isprintable} of one character. */
  private static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }
}
