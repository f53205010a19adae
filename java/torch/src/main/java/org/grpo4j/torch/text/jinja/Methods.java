package org.grpo4j.torch.text.jinja;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Methods of str, dict and list; those that change a value are refused, as in a sandbox. */
final class Methods {
  private static final Set<String> STRING =
      Set.of(
          "capitalize",
          "count",
          "endswith",
          "find",
          "isalpha",
          "isdigit",
          "isspace",
          "join",
          "lower",
          "lstrip",
          "removeprefix",
          "removesuffix",
          "replace",
          "rfind",
          "rsplit",
          "rstrip",
          "split",
          "splitlines",
          "startswith",
          "strip",
          "title",
          "upper");
  private static final Set<String> DICT = Set.of("get", "items", "keys", "values");
  private static final Set<String> LIST = Set.of("count", "index");
  private static final Set<String> CHANGING =
      Set.of(
          "append",
          "clear",
          "extend",
          "insert",
          "pop",
          "popitem",
          "remove",
          "reverse",
          "setdefault",
          "sort",
          "update");

  private Methods() {}

  /** The method of that name bound to the value, or null where the value has none. */
  static @Nullable Callable find(@Nullable Object value, String name) {
    if (value instanceof String text && STRING.contains(name)) {
      return arguments -> string(text, name, arguments);
    }
    if (value instanceof Map<?, ?> map && DICT.contains(name)) {
      return arguments -> dict(map, name, arguments);
    }
    if (value instanceof List<?> list && LIST.contains(name)) {
      return arguments -> list(list, name, arguments);
    }
    boolean changes =
        value instanceof List || (value instanceof Map<?, ?> m && !m.containsKey(name));
    if (changes && CHANGING.contains(name)) {
      return arguments -> {
        throw new TemplateException(name + "() would change a " + Values.type(value));
      };
    }
    return null;
  }

  private static @Nullable Object string(String text, String name, Arguments given) {
    return switch (name) {
      case "startswith" -> affixes(given).stream().anyMatch(text::startsWith);
      case "endswith" -> affixes(given).stream().anyMatch(text::endsWith);
      case "removeprefix" -> {
        String prefix = given.expect(1).text(0, "prefix");
        yield text.startsWith(prefix) ? text.substring(prefix.length()) : text;
      }
      case "removesuffix" -> {
        String suffix = given.expect(1).text(0, "suffix");
        yield text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
      }
      case "strip" -> strip(text, given, true, true);
      case "lstrip" -> strip(text, given, true, false);
      case "rstrip" -> strip(text, given, false, true);
      case "split" -> split(text, given.expect(2, "sep", "maxsplit"), false);
      case "rsplit" -> split(text, given.expect(2, "sep", "maxsplit"), true);
      case "splitlines" -> text.lines().toList();
      case "replace" -> replace(text, given);
      case "join" -> Filters.join(given.required(0, "iterable"), text);
      case "find" -> codePointIndex(text, text.indexOf(given.text(0, "sub")));
      case "rfind" -> codePointIndex(text, text.lastIndexOf(given.text(0, "sub")));
      case "count" -> (long) occurrences(text, given.text(0, "sub")).size();
      default -> plain(text, name, given.expect(0));
    };
  }

  private static Object plain(String text, String name, Arguments given) {
    return switch (name) {
      case "lower" -> text.toLowerCase(Locale.ROOT);
      case "upper" -> text.toUpperCase(Locale.ROOT);
      case "capitalize" -> capitalize(text);
      case "title" -> title(text);
      case "isdigit" -> !text.isEmpty() && text.codePoints().allMatch(Character::isDigit);
      case "isalpha" -> !text.isEmpty() && text.codePoints().allMatch(Character::isLetter);
      case "isspace" -> !text.isEmpty() && Text.isBlank(text);
      default -> throw new TemplateException(given.function() + " is not supported");
    };
  }

  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.offsetByCodePoints(0, 1);
    return text.substring(0, first).toUpperCase(Locale.ROOT)
        + text.substring(first).toLowerCase(Locale.ROOT);
  }

  static String title(String text) {
    StringBuilder out = new StringBuilder();
    boolean inside = false;
    for (int c : text.codePoints().toArray()) {
      out.appendCodePoint(inside ? Character.toLowerCase(c) : Character.toTitleCase(c));
      inside = Character.isLetter(c);
    }
    return out.toString();
  }

  private static List<String> affixes(Arguments given) {
    Object affix = given.expect(1).required(0, "prefix");
    List<@Nullable Object> all =
        affix instanceof List ? Values.iterate(affix) : Arrays.asList(affix);
    List<String> texts = new ArrayList<>();
    for (Object item : all) {
      if (!(item instanceof String text)) {
        throw new TemplateException(
            given.function() + " needs a string, got a " + Values.type(item));
      }
      texts.add(text);
    }
    return texts;
  }

  static String strip(String text, Arguments given, boolean left, boolean right) {
    return given.expect(1, "chars").get(0, "chars") == null
        ? Text.strip(text, left, right)
        : Text.strip(text, given.text(0, "chars"), left, right);
  }

  private static List<String> split(String text, Arguments given, boolean fromRight) {
    long most = given.integer(1, "maxsplit", -1);
    int limit = most < 0 ? Integer.MAX_VALUE : (int) most;
    List<String> parts = new ArrayList<>();
    if (given.get(0, "sep") == null) {
      if (limit != Integer.MAX_VALUE) {
        throw new TemplateException(given.function() + " with maxsplit needs a separator");
      }
      for (String part : text.split("\\s+")) {
        if (!part.isEmpty()) {
          parts.add(part);
        }
      }
      return parts;
    }
    String separator = given.text(0, "sep");
    List<Integer> at = occurrences(text, separator);
    if (at.size() > limit) {
      at = fromRight ? at.subList(at.size() - limit, at.size()) : at.subList(0, limit);
    }
    int from = 0;
    for (int cut : at) {
      parts.add(text.substring(from, cut));
      from = cut + separator.length();
    }
    parts.add(text.substring(from));
    return parts;
  }

  private static List<Integer> occurrences(String text, String part) {
    if (part.isEmpty()) {
      throw new TemplateException("an empty string cannot be searched for");
    }
    List<Integer> at = new ArrayList<>();
    for (int i = text.indexOf(part); i >= 0; i = text.indexOf(part, i + part.length())) {
      at.add(i);
    }
    return at;
  }

  static String replace(String text, Arguments given) {
    String old = given.expect(3, "old", "new", "count").text(0, "old");
    String with = given.text(1, "new");
    long most = given.get(2, "count") == null ? -1 : given.integer(2, "count", -1);
    if (most < 0) {
      return text.replace(old, with);
    }
    StringBuilder out = new StringBuilder();
    int from = 0;
    for (int at : occurrences(text, old)) {
      if (most-- <= 0) {
        break;
      }
      out.append(text, from, at).append(with);
      from = at + old.length();
    }
    return out.append(text.substring(from)).toString();
  }

  private static long codePointIndex(String text, int charIndex) {
    return charIndex < 0 ? -1 : text.codePointCount(0, charIndex);
  }

  private static @Nullable Object dict(Map<?, ?> map, String name, Arguments given) {
    return switch (name) {
      case "items" -> items(map);
      case "keys" -> new ArrayList<@Nullable Object>(map.keySet());
      case "values" -> new ArrayList<@Nullable Object>(map.values());
      default -> {
        Object found = Access.item(map, given.expect(2).required(0, "key"));
        yield found instanceof Undefined ? given.get(1, "default") : found;
      }
    };
  }

  static List<@Nullable Object> items(Map<?, ?> map) {
    List<@Nullable Object> pairs = new ArrayList<>();
    map.forEach((key, value) -> pairs.add(new Tuple(Arrays.asList(key, value))));
    return pairs;
  }

  private static Object list(List<?> list, String name, Arguments given) {
    Object wanted = given.expect(1).required(0, "value");
    if (name.equals("count")) {
      return list.stream().filter(item -> Values.equal(item, wanted)).count();
    }
    for (int i = 0; i < list.size(); i++) {
      if (Values.equal(list.get(i), wanted)) {
        return (long) i;
      }
    }
    throw new TemplateException(Values.str(wanted) + " is not in the list");
  }
}
