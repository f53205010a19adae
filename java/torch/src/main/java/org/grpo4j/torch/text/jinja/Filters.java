package org.grpo4j.torch.text.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import org.grpo4j.torch.text.PythonJsonText;
import org.jspecify.annotations.Nullable;

/** Jinja's filters, and transformers' tojson. */
final class Filters {
  private Filters() {}

  static @Nullable Object apply(String name, @Nullable Object value, Arguments given) {
    return switch (name) {
      case "tojson" -> json(value, given.expect(3, "ensure_ascii", "indent", "sort_keys"));
      case "string" -> Values.str(value);
      case "safe" -> value;
      case "default", "d" -> otherwise(value, given.expect(2, "default_value", "boolean"));
      case "length", "count" -> Values.length(value);
      case "list" -> Values.iterate(value);
      case "first" -> Access.item(Values.iterate(value), 0L);
      case "last" -> Access.item(Values.iterate(value), -1L);
      case "items" -> value instanceof Map<?, ?> map ? Methods.items(map) : items(value);
      case "join" -> {
        given.expect(2, "d", "attribute");
        List<@Nullable Object> items = Values.iterate(value);
        String by = given.has(0, "d") ? given.text(0, "d") : "";
        yield join(
            given.has(1, "attribute") ? attributes(items, given.text(1, "attribute")) : items, by);
      }
      case "reverse" -> {
        if (value instanceof String) {
          yield Access.slice(value, null, null, -1L);
        }
        List<@Nullable Object> items = Values.iterate(value);
        Collections.reverse(items);
        yield items;
      }
      case "map" -> map(value, given);
      case "select" -> where(value, item -> test(item, given, 0));
      case "reject" -> where(value, item -> !test(item, given, 0));
      case "selectattr" -> where(value, item -> attributeTest(item, given));
      case "rejectattr" -> where(value, item -> !attributeTest(item, given));
      case "sort" -> sort(value, given.expect(0, "reverse", "attribute"));
      case "unique" -> unique(value);
      case "dictsort" -> sort(items(value), given.expect(0));
      case "sum" -> sum(value);
      case "min" -> extreme(value, -1);
      case "max" -> extreme(value, 1);
      case "int" -> integer(value, given);
      case "float" -> decimal(value, given);
      case "abs" -> abs(value);
      case "round" -> round(value, given);
      default -> text(name, Values.str(value), given);
    };
  }

  private static Object text(String name, String text, Arguments given) {
    return switch (name) {
      case "trim" -> Methods.strip(text, given, true, true);
      case "lower" -> text.toLowerCase(Locale.ROOT);
      case "upper" -> text.toUpperCase(Locale.ROOT);
      case "capitalize" -> Methods.capitalize(text);
      case "title" -> Methods.title(text);
      case "replace" -> Methods.replace(text, given);
      case "indent" -> indent(text, given.expect(3, "width", "first", "blank"));
      default -> throw new TemplateException("the filter " + name + " is not supported");
    };
  }

  private static String json(@Nullable Object value, Arguments given) {
    if (Values.truth(given.get(0, "ensure_ascii")) || Values.truth(given.get(2, "sort_keys"))) {
      throw new TemplateException("tojson with ensure_ascii or sort_keys is not supported");
    }
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    try {
      return PythonJsonText.dumps(
          value, given.get(1, "indent") == null ? -1 : (int) given.integer(1, "indent", -1));
    } catch (IllegalArgumentException e) {
      throw new TemplateException("tojson: " + e.getMessage());
    }
  }

  private static @Nullable Object otherwise(@Nullable Object value, Arguments given) {
    boolean replace =
        value instanceof Undefined
            || (Values.truth(given.get(1, "boolean")) && !Values.truth(value));
    return replace ? (given.has(0, "default_value") ? given.get(0, "default_value") : "") : value;
  }

  static String join(@Nullable Object value, String by) {
    StringBuilder out = new StringBuilder();
    boolean first = true;
    for (Object item : Values.iterate(value)) {
      out.append(first ? "" : by).append(Values.str(item));
      first = false;
    }
    return out.toString();
  }

  private static List<@Nullable Object> items(@Nullable Object value) {
    if (value instanceof Undefined) {
      return List.of();
    }
    if (value instanceof Map<?, ?> map) {
      return Methods.items(map);
    }
    throw new TemplateException("a " + Values.type(value) + " has no items");
  }

  /** {@code attribute} may be a path with dots. */
  private static @Nullable Object attribute(@Nullable Object item, String path) {
    Object value = item;
    for (String name : path.split("\\.")) {
      value = Access.item(value, name);
    }
    return value;
  }

  private static List<@Nullable Object> attributes(List<@Nullable Object> items, String path) {
    List<@Nullable Object> values = new ArrayList<>();
    items.forEach(item -> values.add(attribute(item, path)));
    return values;
  }

  private static List<@Nullable Object> map(@Nullable Object value, Arguments given) {
    List<@Nullable Object> results = new ArrayList<>();
    if (given.positional().isEmpty()) {
      String path = given.expect(0, "attribute", "default").text(0, "attribute");
      for (Object item : Values.iterate(value)) {
        Object found = attribute(item, path);
        results.add(
            found instanceof Undefined && given.named().containsKey("default")
                ? given.named().get("default")
                : found);
      }
      return results;
    }
    String filter = given.text(0, "filter");
    Arguments rest = rest(filter, given, 1);
    Values.iterate(value).forEach(item -> results.add(apply(filter, item, rest)));
    return results;
  }

  private static Arguments rest(String function, Arguments given, int from) {
    return new Arguments(
        function, given.positional().subList(from, given.positional().size()), given.named());
  }

  private static List<@Nullable Object> where(
      @Nullable Object value, Predicate<@Nullable Object> condition) {
    List<@Nullable Object> kept = new ArrayList<>();
    for (Object item : Values.iterate(value)) {
      if (condition.test(item)) {
        kept.add(item);
      }
    }
    return kept;
  }

  private static boolean attributeTest(@Nullable Object item, Arguments given) {
    return test(attribute(item, given.text(0, "attribute")), given, 1);
  }

  /** The test named at a position of the arguments, or truth where none is named. */
  private static boolean test(@Nullable Object item, Arguments given, int at) {
    if (given.positional().size() <= at) {
      return Values.truth(item);
    }
    String name = given.text(at, "test");
    return Tests.apply(name, item, rest(name, given, at + 1));
  }

  private static List<@Nullable Object> sort(@Nullable Object value, Arguments given) {
    List<@Nullable Object> items = Values.iterate(value);
    boolean reverse = Values.truth(given.get(0, "reverse"));
    boolean by = given.named().containsKey("attribute");
    String path = by ? given.text(Integer.MAX_VALUE, "attribute") : "";
    items.sort(
        (a, b) -> {
          Object x = by ? attribute(a, path) : a;
          Object y = by ? attribute(b, path) : b;
          // Jinja ignores the case of strings unless told otherwise.
          return (reverse ? -1 : 1) * Values.compare(folded(x), folded(y));
        });
    return items;
  }

  private static @Nullable Object folded(@Nullable Object value) {
    if (value instanceof List<?> list && !list.isEmpty()) {
      return folded(list.get(0));
    }
    return value instanceof String text ? text.toLowerCase(Locale.ROOT) : value;
  }

  private static List<@Nullable Object> unique(@Nullable Object value) {
    List<@Nullable Object> kept = new ArrayList<>();
    for (Object item : Values.iterate(value)) {
      if (kept.stream().noneMatch(other -> Values.equal(folded(other), folded(item)))) {
        kept.add(item);
      }
    }
    return kept;
  }

  private static @Nullable Object sum(@Nullable Object value) {
    Object total = 0L;
    for (Object item : Values.iterate(value)) {
      total = Values.binary("+", total, item);
    }
    return total;
  }

  private static @Nullable Object extreme(@Nullable Object value, int sign) {
    List<@Nullable Object> items = Values.iterate(value);
    Object best = items.isEmpty() ? new Undefined("the extreme of nothing") : items.get(0);
    for (Object item : items) {
      if (sign * Values.compare(folded(item), folded(best)) > 0) {
        best = item;
      }
    }
    return best;
  }

  private static @Nullable Object integer(@Nullable Object value, Arguments given) {
    if (value instanceof Number number) {
      return number.longValue();
    }
    if (value instanceof Boolean) {
      return Values.integer(value, "int");
    }
    try {
      return Long.parseLong(Values.str(value).strip());
    } catch (NumberFormatException e) {
      return given.has(0, "default") ? given.get(0, "default") : 0L;
    }
  }

  private static @Nullable Object decimal(@Nullable Object value, Arguments given) {
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    try {
      return Double.parseDouble(Values.str(value).strip());
    } catch (NumberFormatException e) {
      return given.has(0, "default") ? given.get(0, "default") : 0.0;
    }
  }

  private static Object abs(@Nullable Object value) {
    if (value instanceof Number number && !Values.isInteger(value)) {
      return Math.abs(number.doubleValue());
    }
    return Math.abs(Values.integer(value, "abs"));
  }

  private static double round(@Nullable Object value, Arguments given) {
    long digits = given.expect(1, "precision").integer(0, "precision", 0);
    if (!(value instanceof Number number)) {
      throw new TemplateException("round needs a number, got a " + Values.type(value));
    }
    // Python rounds the exact value, ties to even.
    return new BigDecimal(number.doubleValue())
        .setScale((int) digits, RoundingMode.HALF_EVEN)
        .doubleValue();
  }

  private static String indent(String text, Arguments given) {
    Object width = given.has(0, "width") ? given.get(0, "width") : (Object) 4L;
    String blanks =
        width instanceof String given0 ? given0 : " ".repeat((int) Values.integer(width, "indent"));
    boolean first = Values.truth(given.get(1, "first"));
    boolean blank = Values.truth(given.get(2, "blank"));
    String[] lines = text.split("\n", -1);
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < lines.length; i++) {
      boolean indented = i == 0 ? first : blank || !lines[i].isEmpty();
      out.append(i == 0 ? "" : "\n").append(indented ? blanks : "").append(lines[i]);
    }
    return out.toString();
  }
}
