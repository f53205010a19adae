package org.grpo4j.torch.text.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code value.name}, {@code value[key]} and {@code value[start:stop:step]}. */
final class Access {
  private Access() {}

  /** Python's order: a method or field of the value first, then a key of a dict. */
  static @Nullable Object attribute(@Nullable Object value, String name) {
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (value instanceof Namespace namespace) {
      return namespace.get(name);
    }
    Callable method = Methods.find(value, name);
    if (method != null) {
      return method;
    }
    if (value instanceof Map<?, ?> map && map.containsKey(name)) {
      return map.get(name);
    }
    return new Undefined("'" + name + "' of a " + Values.type(value));
  }

  static @Nullable Object item(@Nullable Object value, @Nullable Object key) {
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (value instanceof Map<?, ?> map) {
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        if (Values.equal(entry.getKey(), key)) {
          return entry.getValue();
        }
      }
    } else if (key instanceof String name) {
      return attribute(value, name);
    } else if (Values.isInteger(key) && (value instanceof List || value instanceof String)) {
      List<@Nullable Object> items = Values.iterate(value);
      long index = Values.integer(key, "an index");
      long at = index < 0 ? index + items.size() : index;
      if (at >= 0 && at < items.size()) {
        return items.get((int) at);
      }
    }
    return new Undefined("element " + Values.str(key) + " of a " + Values.type(value));
  }

  /** A slice; a bound that is null is left open. */
  static Object slice(
      @Nullable Object value,
      @Nullable Object start,
      @Nullable Object stop,
      @Nullable Object stepValue) {
    if (!(value instanceof List || value instanceof String)) {
      throw new TemplateException("a " + Values.type(value) + " cannot be sliced");
    }
    List<@Nullable Object> items = Values.iterate(value);
    long step = stepValue == null ? 1 : Values.integer(stepValue, "a slice");
    if (step == 0) {
      throw new TemplateException("a slice's step cannot be zero");
    }
    long size = items.size();
    long low = step > 0 ? 0 : -1;
    long high = step > 0 ? size : size - 1;
    long from = bound(start, step > 0 ? low : high, size, low, high);
    long to = bound(stop, step > 0 ? high : low, size, low, high);
    List<@Nullable Object> part = new ArrayList<>();
    for (long i = from; step > 0 ? i < to : i > to; i += step) {
      part.add(items.get((int) i));
    }
    if (value instanceof String) {
      StringBuilder text = new StringBuilder();
      part.forEach(text::append);
      return text.toString();
    }
    return part;
  }

  private static long bound(
      @Nullable Object given, long otherwise, long size, long low, long high) {
    if (given == null) {
      return otherwise;
    }
    long index = Values.integer(given, "a slice");
    return Math.max(low, Math.min(high, index < 0 ? index + size : index));
  }
}
