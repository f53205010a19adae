package org.grpo4j.torch.text.jinja;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What may follow {@code is}. */
final class Tests {
  private Tests() {}

  static boolean apply(String name, @Nullable Object value, Arguments given) {
    return switch (name) {
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "none" -> value == null;
      case "string" -> value instanceof String;
      case "boolean" -> value instanceof Boolean;
      case "true" -> Boolean.TRUE.equals(value);
      case "false" -> Boolean.FALSE.equals(value);
      case "number" -> value instanceof Number || value instanceof Boolean;
      case "integer" -> Values.isInteger(value);
      case "float" -> value instanceof Number && !Values.isInteger(value);
      case "mapping" -> value instanceof Map;
      case "sequence", "iterable" ->
          value instanceof String
              || value instanceof Collection
              || value instanceof Map
              || value instanceof Undefined;
      case "callable" -> value instanceof Callable;
      case "odd" -> Math.floorMod(Values.integer(value, "odd"), 2L) == 1;
      case "even" -> Math.floorMod(Values.integer(value, "even"), 2L) == 0;
      case "divisibleby" ->
          Math.floorMod(Values.integer(value, name), given.integer(0, "num", 1)) == 0;
      case "lower" -> text(value).equals(text(value).toLowerCase(Locale.ROOT));
      case "upper" -> text(value).equals(text(value).toUpperCase(Locale.ROOT));
      case "sameas" -> same(value, given.required(0, "other"));
      default -> compare(name, value, given);
    };
  }

  private static boolean compare(String name, @Nullable Object value, Arguments given) {
    if (!List.of(
            "eq",
            "equalto",
            "==",
            "ne",
            "!=",
            "in",
            "lt",
            "<",
            "le",
            "<=",
            "gt",
            ">",
            "ge",
            ">=",
            "lessthan",
            "greaterthan")
        .contains(name)) {
      throw new TemplateException("the test " + name + " is not supported");
    }
    Object other = given.required(0, "other");
    return switch (name) {
      case "eq", "equalto", "==" -> Values.equal(value, other);
      case "ne", "!=" -> !Values.equal(value, other);
      case "in" -> Values.contains(other, value);
      case "lt", "lessthan", "<" -> Values.compare(value, other) < 0;
      case "le", "<=" -> Values.compare(value, other) <= 0;
      case "gt", "greaterthan", ">" -> Values.compare(value, other) > 0;
      default -> Values.compare(value, other) >= 0;
    };
  }

  private static String text(@Nullable Object value) {
    return Values.str(value);
  }

  /** Identity, which for Python's singletons and small values means: same kind and equal. */
  private static boolean same(@Nullable Object a, @Nullable Object b) {
    return Values.type(a).equals(Values.type(b)) && Values.equal(a, b);
  }
}
