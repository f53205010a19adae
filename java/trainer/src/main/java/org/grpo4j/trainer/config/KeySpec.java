package org.grpo4j.trainer.config;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.jspecify.annotations.Nullable;

/**
 * One key as its record component declares it, and the conversion of a YAML value to it.
 *
 * @param name the key, in snake_case
 * @param type the component's type
 * @param declaration its annotation
 */
record KeySpec(String name, Type type, Key declaration) {

  static KeySpec of(RecordComponent component, Key declaration) {
    // Before every capital: vespoKPos is vespo_k_pos.
    String snake = component.getName().replaceAll("(?<!^)([A-Z])", "_$1");
    return new KeySpec(snake.toLowerCase(Locale.ROOT), component.getGenericType(), declaration);
  }

  /** Whether the key may be null: its default is, or its component is a boxed number. */
  boolean optional() {
    return declaration.byDefault().equals("null")
        || (type instanceof Class<?> c && Number.class.isAssignableFrom(c));
  }

  boolean isMap() {
    return type instanceof ParameterizedType p && p.getRawType() == Map.class;
  }

  /** The type and the allowed values in words, for help and messages. */
  String expected() {
    StringBuilder words = new StringBuilder(typeWords());
    if (declaration.min() != Double.NEGATIVE_INFINITY) {
      words.append(declaration.aboveMin() ? " above " : " of at least ");
      words.append(number(declaration.min()));
    }
    if (declaration.max() != Double.POSITIVE_INFINITY) {
      words.append(declaration.min() == Double.NEGATIVE_INFINITY ? " of at most " : ", at most ");
      words.append(number(declaration.max()));
    }
    if (declaration.allowed().length > 0) {
      words.append(" of ").append(String.join(", ", declaration.allowed()));
    }
    return optional() ? words + ", or null" : words.toString();
  }

  private String typeWords() {
    if (type instanceof ParameterizedType p) {
      if (p.getRawType() == Map.class) {
        return "a map {name: value}";
      }
      return p.getActualTypeArguments()[0] == Double.class ? "a list of numbers" : "a list";
    }
    Class<?> c = (Class<?>) type;
    if (c.isEnum()) {
      return "one of " + String.join(", ", enumNames(c));
    }
    if (c == int.class || c == Integer.class || c == long.class || c == Long.class) {
      return "a whole number";
    }
    if (c == double.class || c == Double.class) {
      return "a number";
    }
    if (c == boolean.class) {
      return "true or false";
    }
    return declaration.allowed().length > 0 ? "one" : "text";
  }

  /**
   * Converts a YAML value.
   *
   * @throws InputException naming key, value and what is allowed
   */
  @Nullable Object convert(@Nullable Object value) {
    if (value == null) {
      if (!optional()) {
        throw wrong(null);
      }
      return null;
    }
    if (type instanceof ParameterizedType p) {
      return p.getRawType() == Map.class
          ? convertMap(value)
          : convertList(value, p.getActualTypeArguments()[0]);
    }
    return convertScalar(value, (Class<?>) type);
  }

  private Map<String, Object> convertMap(Object value) {
    if (!(value instanceof Map<?, ?> map)) {
      throw wrong(value);
    }
    Map<String, Object> result = new LinkedHashMap<>();
    map.forEach((k, v) -> result.put(String.valueOf(k), v));
    return result;
  }

  private List<Object> convertList(Object value, Type element) {
    List<Object> result = new ArrayList<>();
    for (Object item : value instanceof List<?> list ? list : List.of(value)) {
      if (item == null || item instanceof List || item instanceof Map) {
        throw wrong(value);
      }
      Object converted = convertScalar(item, (Class<?>) element);
      if (declaration.allowed().length > 0 && !List.of(declaration.allowed()).contains(converted)) {
        throw wrong(value);
      }
      result.add(converted);
    }
    return result;
  }

  private Object convertScalar(Object value, Class<?> target) {
    if (value instanceof Map || value instanceof List) {
      throw wrong(value);
    }
    String text = String.valueOf(value);
    if (target == String.class) {
      boolean free = type != String.class || declaration.allowed().length == 0;
      if (free || List.of(declaration.allowed()).contains(text)) {
        return text;
      }
      throw wrong(value);
    }
    if (target.isEnum()) {
      return enumConstant(target, text, value);
    }
    if (target == boolean.class) {
      if (value instanceof Boolean) {
        return value;
      }
      throw wrong(value);
    }
    return convertNumber(value, text, target);
  }

  private Object convertNumber(Object value, String text, Class<?> target) {
    double number;
    try {
      // YAML 1.1 reads 1e-6, without a point, as text.
      number = value instanceof Number n ? n.doubleValue() : Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw wrong(value);
    }
    boolean below =
        declaration.aboveMin() ? number <= declaration.min() : number < declaration.min();
    if (!Double.isFinite(number) || below || number > declaration.max()) {
      throw wrong(value);
    }
    if (target == double.class || target == Double.class) {
      return number;
    }
    // Doubles hold whole numbers exactly to 2^53; seeds beyond that keep their own digits.
    long whole = value instanceof Long l ? l : (long) number;
    if (number != Math.rint(number)) {
      throw wrong(value);
    }
    if (target == long.class || target == Long.class) {
      return whole;
    }
    if (whole != (int) whole) {
      throw wrong(value);
    }
    return (int) whole;
  }

  private Object enumConstant(Class<?> target, String text, Object value) {
    for (Object constant : target.getEnumConstants()) {
      if (enumName((Enum<?>) constant).equalsIgnoreCase(text)) {
        return constant;
      }
    }
    throw wrong(value);
  }

  private InputException wrong(@Nullable Object value) {
    return new InputException("%s=%s: want %s".formatted(name, value, expected()));
  }

  static String enumName(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  private static List<String> enumNames(Class<?> type) {
    List<String> names = new ArrayList<>();
    for (Object constant : type.getEnumConstants()) {
      names.add(enumName((Enum<?>) constant));
    }
    return names;
  }

  private static String number(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }
}
