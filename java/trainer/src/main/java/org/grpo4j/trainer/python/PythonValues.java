package org.grpo4j.trainer.python;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Python's equality, hashing and containers.
 *
 * <p>Values: those that {@link PythonJson} gives, {@link PythonTuple}, {@link PythonComplex} and
 * {@link PythonBytes}. Keys of a {@link Map} are values too, no two of which are equal in Python.
 */
public final class PythonValues {
  private static final Object NONE = new Object();
  private static final Object NAN = new Object();

  private PythonValues() {}

  /**
   * {@code a == b}: 1, 1.0 and True are equal, integers and floats compare exactly, NaN equals
   * nothing.
   */
  public static boolean equal(@Nullable Object a, @Nullable Object b) {
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
    if (a instanceof PythonTuple x && b instanceof PythonTuple y) {
      return equalLists(x.items(), y.items());
    }
    return a.equals(b);
  }

  /**
   * Equality of two members of containers, which Python takes as given for the same object. {@code
   * json.loads} has one NaN object, so {@code [NaN] == [NaN]} although {@code NaN != NaN}.
   */
  public static boolean equalMembers(@Nullable Object a, @Nullable Object b) {
    return equal(a, b) || (isNaN(a) && isNaN(b));
  }

  public static boolean equalLists(List<?> a, List<?> b) {
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
  public static Object hashKey(@Nullable Object value) throws PythonError {
    if (value == null) {
      return NONE;
    }
    if (value instanceof List<?> || value instanceof Map<?, ?>) {
      throw new PythonError("unhashable type");
    }
    if (isNumber(value)) {
      return isNaN(value) ? NAN : number(value);
    }
    if (value instanceof PythonTuple tuple) {
      List<@Nullable Object> keys = new ArrayList<>();
      for (Object item : tuple.items()) {
        keys.add(hashKey(item));
      }
      return new PythonTuple(keys);
    }
    return value;
  }

  /** {@code item in container}: of a list, a tuple, the keys of a dict, or a part of a text. */
  public static boolean contains(@Nullable Object container, @Nullable Object item)
      throws PythonError {
    if (container instanceof Map<?, ?> map) {
      Object key = hashKey(item);
      for (Object own : map.keySet()) {
        if (hashKey(own).equals(key)) {
          return true;
        }
      }
      return false;
    }
    if (container instanceof String text) {
      if (item instanceof String part) {
        return text.contains(part);
      }
      throw new PythonError("'in <string>' requires string as left operand");
    }
    for (Object member : elements(container)) {
      if (equalMembers(member, item)) {
        return true;
      }
    }
    return false;
  }

  /**
   * {@code map[key] = value}: a key that is equal to one in the map replaces its value and keeps
   * the key that was there.
   *
   * @throws PythonError for a key that is a list or dict: unhashable
   */
  public static void put(
      Map<@Nullable Object, @Nullable Object> map, @Nullable Object key, @Nullable Object value)
      throws PythonError {
    Object hash = hashKey(key);
    for (Map.Entry<@Nullable Object, @Nullable Object> entry : map.entrySet()) {
      if (hashKey(entry.getKey()).equals(hash)) {
        entry.setValue(value);
        return;
      }
    }
    map.put(key, value);
  }

  /** {@code list(value)}: items of a list or tuple, keys of a dict, characters of a text. */
  public static List<@Nullable Object> elements(@Nullable Object value) throws PythonError {
    if (value instanceof List<?> list) {
      return Collections.unmodifiableList(list);
    }
    if (value instanceof PythonTuple tuple) {
      return tuple.items();
    }
    if (value instanceof Map<?, ?> map) {
      return new ArrayList<>(map.keySet());
    }
    if (value instanceof String text) {
      return new ArrayList<>(text.codePoints().mapToObj(Character::toString).toList());
    }
    throw new PythonError("'" + PythonType.of(value) + "' object is not iterable");
  }

  /** {@code value[index]} of a sequence. */
  public static @Nullable Object at(@Nullable Object value, int index) throws PythonError {
    if (value instanceof Map<?, ?>) {
      throw new PythonError("KeyError: " + index);
    }
    List<@Nullable Object> items = elements(value);
    if (index >= items.size()) {
      throw new PythonError("list index out of range");
    }
    return items.get(index);
  }

  /** {@code len(value)}. */
  public static int length(@Nullable Object value) throws PythonError {
    if (value instanceof Map<?, ?> map) {
      return map.size();
    }
    if (value instanceof List<?> list) {
      return list.size();
    }
    if (value instanceof String text) {
      return text.codePointCount(0, text.length());
    }
    if (value instanceof PythonTuple tuple) {
      return tuple.items().size();
    }
    if (value instanceof PythonBytes bytes) {
      return bytes.latin1().length();
    }
    throw new PythonError("object of type '" + PythonType.of(value) + "' has no len()");
  }

  /** {@code value[key]} of a dict. */
  public static @Nullable Object item(@Nullable Object value, String key) throws PythonError {
    Map<?, ?> map = dict(value);
    if (!map.containsKey(key)) {
      throw new PythonError("KeyError: " + key);
    }
    return map.get(key);
  }

  public static Map<?, ?> dict(@Nullable Object value) throws PythonError {
    if (value instanceof Map<?, ?> map) {
      return map;
    }
    throw new PythonError("not a dict");
  }

  private static boolean isNumber(Object value) {
    return value instanceof Number || value instanceof Boolean || value instanceof PythonComplex;
  }

  private static boolean isNaN(@Nullable Object value) {
    return (value instanceof Double d && d.isNaN())
        || (value instanceof PythonComplex c
            && (Double.isNaN(c.real()) || Double.isNaN(c.imaginary())));
  }

  /**
   * The exact value in one canonical form: a BigDecimal without trailing zeros, an infinity, or a
   * complex number that is no real one.
   */
  private static Object number(Object value) {
    if (value instanceof PythonComplex c) {
      // -0.0 + 0.0 is 0.0: both zeros are one key.
      return c.imaginary() == 0
          ? number((Double) c.real())
          : new PythonComplex(c.real() + 0.0, c.imaginary());
    }
    if (value instanceof Double d) {
      return d.isInfinite() ? d : new BigDecimal(d).stripTrailingZeros();
    }
    if (value instanceof Boolean b) {
      return b ? BigDecimal.ONE : BigDecimal.ZERO;
    }
    return new BigDecimal((BigInteger) value).stripTrailingZeros();
  }
}
