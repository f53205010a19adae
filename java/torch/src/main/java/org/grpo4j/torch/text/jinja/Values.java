package org.grpo4j.torch.text.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.grpo4j.torch.text.PythonJsonText;
import org.jspecify.annotations.Nullable;

/**
 * Python's semantics on Java values: null is None, Integer and Long are int, Double and Float are
 * float, String is str, List is list or tuple, Map is dict.
 */
final class Values {
  private Values() {}

  static boolean truth(@Nullable Object value) {
    if (value == null || value instanceof Undefined) {
      return false;
    }
    if (value instanceof Boolean bool) {
      return bool;
    }
    if (value instanceof Number number) {
      return number.doubleValue() != 0;
    }
    if (value instanceof String text) {
      return !text.isEmpty();
    }
    if (value instanceof Collection<?> collection) {
      return !collection.isEmpty();
    }
    return !(value instanceof Map<?, ?> map) || !map.isEmpty();
  }

  /** Python's str(). */
  static String str(@Nullable Object value) {
    if (value instanceof String text) {
      return text;
    }
    return value instanceof Undefined ? "" : repr(value);
  }

  private static String repr(@Nullable Object value) {
    if (value == null) {
      return "None";
    }
    if (value instanceof Boolean bool) {
      return bool ? "True" : "False";
    }
    if (isInteger(value)) {
      return value.toString();
    }
    if (value instanceof Number number) {
      return PythonJsonText.repr(number.doubleValue());
    }
    if (value instanceof String text) {
      return quoted(text);
    }
    if (value instanceof Undefined) {
      return "Undefined";
    }
    StringBuilder out = new StringBuilder();
    if (value instanceof List<?> list) {
      list.forEach(item -> out.append(out.isEmpty() ? "" : ", ").append(repr(item)));
      if (value instanceof Tuple) {
        return "(" + out + (list.size() == 1 ? ",)" : ")");
      }
      return "[" + out + "]";
    }
    if (value instanceof Map<?, ?> map) {
      map.forEach(
          (k, v) ->
              out.append(out.isEmpty() ? "" : ", ").append(repr(k)).append(": ").append(repr(v)));
      return "{" + out + "}";
    }
    throw new TemplateException("a " + type(value) + " cannot be written as text");
  }

  private static String quoted(String text) {
    char quote = text.contains("'") && !text.contains("\"") ? '"' : '\'';
    StringBuilder out = new StringBuilder().append(quote);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> out.append(c == quote ? "\\" + c : Character.toString(c));
      }
    }
    return out.append(quote).toString();
  }

  static String type(@Nullable Object value) {
    if (value == null) {
      return "None";
    }
    if (value instanceof Boolean) {
      return "bool";
    }
    if (value instanceof Number) {
      return isInteger(value) ? "int" : "float";
    }
    if (value instanceof String) {
      return "str";
    }
    if (value instanceof Undefined undefined) {
      return "undefined value (" + undefined.what() + ")";
    }
    if (value instanceof Tuple) {
      return "tuple";
    }
    return value instanceof Map ? "dict" : value instanceof List ? "list" : "function";
  }

  static boolean isInteger(@Nullable Object value) {
    return value instanceof Integer
        || value instanceof Long
        || value instanceof Short
        || value instanceof Byte
        || value instanceof BigInteger;
  }

  static boolean equal(@Nullable Object left, @Nullable Object right) {
    Object a = left instanceof Boolean bool ? (Object) (bool ? 1 : 0) : left;
    Object b = right instanceof Boolean bool ? (Object) (bool ? 1 : 0) : right;
    if (a instanceof Number x && b instanceof Number y) {
      if (isInteger(x) && isInteger(y)) {
        return new BigInteger(x.toString()).equals(new BigInteger(y.toString()));
      }
      return x.doubleValue() == y.doubleValue();
    }
    if (a instanceof List<?> x && b instanceof List<?> y) {
      Iterator<?> others = y.iterator();
      return a instanceof Tuple == b instanceof Tuple
          && x.size() == y.size()
          && x.stream().allMatch(item -> equal(item, others.next()));
    }
    if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
      return x.size() == y.size()
          && x.entrySet().stream()
              .allMatch(e -> y.containsKey(e.getKey()) && equal(e.getValue(), y.get(e.getKey())));
    }
    return (a instanceof Undefined && b instanceof Undefined) || Objects.equals(a, b);
  }

  static int compare(@Nullable Object left, @Nullable Object right) {
    if (left instanceof String a && right instanceof String b) {
      // Code points, not chars: they differ in order above U+FFFF.
      return Arrays.compare(a.codePoints().toArray(), b.codePoints().toArray());
    }
    Object a = left instanceof Boolean bool ? (Object) (bool ? 1 : 0) : left;
    Object b = right instanceof Boolean bool ? (Object) (bool ? 1 : 0) : right;
    if (a instanceof Number x && b instanceof Number y) {
      return isInteger(x) && isInteger(y)
          ? Long.compare(x.longValue(), y.longValue())
          : Double.compare(x.doubleValue(), y.doubleValue());
    }
    if (left instanceof List<?> x && right instanceof List<?> y) {
      for (int i = 0; i < Math.min(x.size(), y.size()); i++) {
        if (!equal(x.get(i), y.get(i))) {
          return compare(x.get(i), y.get(i));
        }
      }
      return Integer.compare(x.size(), y.size());
    }
    throw new TemplateException("cannot order a " + type(left) + " and a " + type(right));
  }

  static boolean contains(@Nullable Object container, @Nullable Object item) {
    if (container instanceof String text) {
      if (item instanceof String part) {
        return text.contains(part);
      }
      throw new TemplateException("'in' a string needs a string, got a " + type(item));
    }
    if (container instanceof Map<?, ?> map) {
      return map.keySet().stream().anyMatch(key -> equal(key, item));
    }
    return iterate(container).stream().anyMatch(element -> equal(element, item));
  }

  /** The elements that a for loop goes through. */
  static List<@Nullable Object> iterate(@Nullable Object value) {
    if (value instanceof Collection<?> collection) {
      return new ArrayList<>(collection);
    }
    if (value instanceof Map<?, ?> map) {
      return new ArrayList<>(map.keySet());
    }
    if (value instanceof String text) {
      return new ArrayList<>(text.codePoints().mapToObj(Character::toString).toList());
    }
    if (value instanceof Undefined) {
      return new ArrayList<>();
    }
    throw new TemplateException("a " + type(value) + " is not iterable");
  }

  static long length(@Nullable Object value) {
    return value instanceof String text ? Text.length(text) : iterate(value).size();
  }

  static long integer(@Nullable Object value, String what) {
    if (value instanceof Boolean bool) {
      return bool ? 1 : 0;
    }
    if (isInteger(value) && value instanceof Number number) {
      return number.longValue();
    }
    throw new TemplateException(what + " needs an int, got a " + type(value));
  }

  static @Nullable Object binary(String operator, @Nullable Object left, @Nullable Object right) {
    if (left instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (right instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (operator.equals("+") && left instanceof String a && right instanceof String b) {
      return a + b;
    }
    if (operator.equals("+") && left instanceof List<?> a && right instanceof List<?> b) {
      List<@Nullable Object> both = new ArrayList<>(a);
      both.addAll(b);
      return both;
    }
    if (operator.equals("*") && left instanceof String text && isInteger(right)) {
      return text.repeat((int) Math.max(0, integer(right, "*")));
    }
    if (operator.equals("*") && right instanceof String text && isInteger(left)) {
      return text.repeat((int) Math.max(0, integer(left, "*")));
    }
    Object a = left instanceof Boolean bool ? (Object) (bool ? 1L : 0L) : left;
    Object b = right instanceof Boolean bool ? (Object) (bool ? 1L : 0L) : right;
    if (!(a instanceof Number x) || !(b instanceof Number y)) {
      throw new TemplateException(
          "unsupported operands of " + operator + ": " + type(left) + " and " + type(right));
    }
    return isInteger(x) && isInteger(y) && !operator.equals("/")
        ? integers(operator, x.longValue(), y.longValue())
        : floats(operator, x.doubleValue(), y.doubleValue());
  }

  private static Object integers(String operator, long x, long y) {
    if (y == 0 && (operator.equals("//") || operator.equals("%"))) {
      throw new TemplateException("division by zero");
    }
    return switch (operator) {
      case "+" -> Math.addExact(x, y);
      case "-" -> Math.subtractExact(x, y);
      case "*" -> Math.multiplyExact(x, y);
      case "//" -> Math.floorDiv(x, y);
      case "%" -> Math.floorMod(x, y);
      case "**" -> {
        // Not a conditional expression: that would turn the long into a double.
        if (y >= 0) {
          yield BigInteger.valueOf(x).pow((int) y).longValueExact();
        }
        yield Math.pow((double) x, (double) y);
      }
      default -> throw new TemplateException("unknown operator " + operator);
    };
  }

  private static double floats(String operator, double x, double y) {
    if (y == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
      throw new TemplateException("division by zero");
    }
    return switch (operator) {
      case "+" -> x + y;
      case "-" -> x - y;
      case "*" -> x * y;
      case "/" -> x / y;
      case "//" -> Math.floor(x / y);
      case "%" -> x - y * Math.floor(x / y);
      case "**" -> Math.pow(x, y);
      default -> throw new TemplateException("unknown operator " + operator);
    };
  }
}
