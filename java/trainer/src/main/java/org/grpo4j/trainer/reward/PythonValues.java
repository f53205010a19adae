package org.grpo4j.trainer.reward;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Python's equality and hashing of the values that {@link PythonJson} gives. */
final class PythonValues {
  private static final Object NONE = new Object();
  private static final Object NAN = new Object();

  private PythonValues() {}

  /**
   * {@code a == b}: 1, 1.0 and True are equal, integers and floats compare exactly, NaN equals
   * nothing.
   */
  static boolean equal(@Nullable Object a, @Nullable Object b) {
    if (a == null || b == null) {
      return a == b;
    }
    if (isNumber(a) && isNumber(b)) {
      return !isNaN(a) && !isNaN(b) && number(a).equals(number(b));
    }
    if (a instanceof List<?> x && b instanceof List<?> y) {
      return equalLists(x, y);
    }
    if (a instanceof Map<?, ?> x && b instanceof Map<?, ?> y) {
      return equalMaps(x, y);
    }
    return a.equals(b);
  }

  /**
   * Equality of two members of containers, which Python takes as given for the same object. {@code
   * json.loads} has one NaN object, so {@code [NaN] == [NaN]} although {@code NaN != NaN}.
   */
  static boolean equalMembers(@Nullable Object a, @Nullable Object b) {
    return equal(a, b) || (isNaN(a) && isNaN(b));
  }

  static boolean equalLists(List<?> a, List<?> b) {
    if (a.size() != b.size()) {
      return false;
    }
    for (int i = 0; i < a.size(); i++) {
      if (!equalMembers(a.get(i), b.get(i))) {
        return false;
      }
    }
    return true;
  }

  private static boolean equalMaps(Map<?, ?> a, Map<?, ?> b) {
    if (a.size() != b.size()) {
      return false;
    }
    for (Map.Entry<?, ?> entry : a.entrySet()) {
      Object key = entry.getKey();
      if (!b.containsKey(key) || !equalMembers(entry.getValue(), b.get(key))) {
        return false;
      }
    }
    return true;
  }

  /**
   * A key under which Java's hash tables count what Python's would.
   *
   * @throws PythonError for lists and dicts: unhashable
   */
  static Object hashKey(@Nullable Object value) throws PythonError {
    if (value == null) {
      return NONE;
    }
    if (value instanceof List<?> || value instanceof Map<?, ?>) {
      throw new PythonError("unhashable type");
    }
    if (isNumber(value)) {
      return isNaN(value) ? NAN : number(value);
    }
    return value;
  }

  /** {@code len(value)}. */
  static int length(@Nullable Object value) throws PythonError {
    if (value instanceof Map<?, ?> map) {
      return map.size();
    }
    if (value instanceof List<?> list) {
      return list.size();
    }
    if (value instanceof String text) {
      return text.codePointCount(0, text.length());
    }
    throw new PythonError("object has no len()");
  }

  /** {@code value[key]} of a dict. */
  static @Nullable Object item(@Nullable Object value, String key) throws PythonError {
    Map<?, ?> map = dict(value);
    if (!map.containsKey(key)) {
      throw new PythonError("KeyError: " + key);
    }
    return map.get(key);
  }

  static Map<?, ?> dict(@Nullable Object value) throws PythonError {
    if (value instanceof Map<?, ?> map) {
      return map;
    }
    throw new PythonError("not a dict");
  }

  private static boolean isNumber(Object value) {
    return value instanceof Number || value instanceof Boolean;
  }

  private static boolean isNaN(@Nullable Object value) {
    return value instanceof Double d && d.isNaN();
  }

  /** The exact value in one canonical form: a BigDecimal without trailing zeros, or an infinity. */
  private static Object number(Object value) {
    if (value instanceof Double d) {
      return d.isInfinite() ? d : new BigDecimal(d).stripTrailingZeros();
    }
    if (value instanceof Boolean b) {
      return b ? BigDecimal.ONE : BigDecimal.ZERO;
    }
    return new BigDecimal((BigInteger) value).stripTrailingZeros();
  }
}
