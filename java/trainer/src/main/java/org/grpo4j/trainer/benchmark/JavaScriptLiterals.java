package org.grpo4j.trainer.benchmark;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonNumbers;
import org.grpo4j.trainer.python.PythonText;
import org.jspecify.annotations.Nullable;

/** The same as {@link JavaLiterals} for JavaScript expressions. */
final class JavaScriptLiterals {
  private static final int PYTHON = JavaLiterals.PYTHON;

  private static final Pattern INTEGER = Pattern.compile("^-?\\d+$", PYTHON);
  private static final Pattern FLOAT = Pattern.compile("^-?\\d+(\\.\\d+)?$", PYTHON);
  private static final Pattern BIGINT = Pattern.compile("^-?\\d+n$", PYTHON);
  private static final Pattern ARRAYS =
      Pattern.compile(
          "\\[\\s*\\[.*?\\]\\s*(,\\s*\\[.*?\\]\\s*)*\\]"
              + "|\\bnew\\s+Array\\(\\s*\\[.*?\\]\\s*(,\\s*\\[.*?\\]\\s*)*\\)",
          PYTHON);
  private static final Pattern INNER_ARRAY = Pattern.compile("\\[(.*?)\\]", PYTHON);
  private static final Pattern ARRAY =
      Pattern.compile("\\[(.*?)\\]|\\bnew\\s+Array\\((.*?)\\)", PYTHON);
  private static final Pattern OBJECT = Pattern.compile("\\{(.*?)\\}", PYTHON);
  private static final Pattern PAIR =
      Pattern.compile("([^:]+):\\s*(.*?)(?:,\\s*(?=[^,]+:)|$)", PYTHON);

  private JavaScriptLiterals() {}

  /**
   * Converts.
   *
   * @param type the parameter's type as the question names it
   * @param nested the type of an array's elements, null for other types
   */
  static Object convert(String text, String type, @Nullable String nested) throws PythonError {
    return switch (type) {
      case "String" -> quoted(text) ? inside(text) : text;
      case "integer" -> INTEGER.matcher(text).find() ? integer(text) : text;
      case "float" -> FLOAT.matcher(text).find() ? real(text) : text;
      case "Bigint" -> BIGINT.matcher(text).find() ? bigint(text) : text;
      case "Boolean" ->
          text.equals("true") || text.equals("false") ? (Object) text.equals("true") : text;
      case "dict" -> object(PythonText.strip(text));
      case "array" -> array(PythonText.strip(text), nested);
      case "any" -> text;
      default -> throw new PythonError("Unsupported type: " + type);
    };
  }

  /** The number before the last character, which a line feed behind the n takes the place of. */
  private static Object bigint(String text) throws PythonError {
    return PythonNumbers.integer(text.substring(0, text.length() - 1))
        .orElseThrow(() -> new PythonError("no int: " + text));
  }

  private static Object integer(String text) {
    return PythonNumbers.integer(text).<Object>map(i -> i).orElse(text);
  }

  private static Object real(String text) {
    return PythonNumbers.real(text).<Object>map(r -> r).orElse(text);
  }

  private static boolean quoted(String text) {
    return (text.startsWith("\"") && text.endsWith("\""))
        || (text.startsWith("'") && text.endsWith("'"));
  }

  /** {@code text[1:-1]}. */
  private static String inside(String text) {
    return text.length() < 2 ? "" : text.substring(1, text.length() - 1);
  }

  private static Object array(String code, @Nullable String nested) {
    Matcher arrays = ARRAYS.matcher(code);
    if (arrays.lookingAt()) {
      return arraysOf(arrays.group());
    }
    Matcher array = ARRAY.matcher(code);
    if (!array.lookingAt()) {
      return code;
    }
    String body = PythonText.strip(array.group(1) != null ? array.group(1) : array.group(2));
    List<Object> elements = new ArrayList<>();
    if (body.isEmpty()) {
      return elements;
    }
    for (String part : body.split(",", -1)) {
      String element = PythonText.strip(part);
      try {
        elements.add(nested == null ? untyped(element) : convert(element, nested, null));
      } catch (PythonError e) {
        return code; // The official converter gives the text back where it raises.
      }
    }
    return elements;
  }

  private static Object arraysOf(String code) {
    List<Object> rows = new ArrayList<>();
    Matcher inner = INNER_ARRAY.matcher(code);
    while (inner.find()) {
      String body = PythonText.strip(inner.group(1));
      if (rows.isEmpty() && body.startsWith("[")) {
        body = body.substring(1); // The outer array's bracket.
      }
      List<Object> row = new ArrayList<>();
      for (String element : body.split(",", -1)) {
        row.add(untyped(element));
      }
      rows.add(row);
    }
    return rows;
  }

  private static Object object(String code) {
    Map<String, Object> object = new LinkedHashMap<>();
    if (code.equals("{}")) {
      return object;
    }
    Matcher braces = OBJECT.matcher(code);
    if (!braces.lookingAt()) {
      return code;
    }
    Matcher pairs = PAIR.matcher(braces.group(1));
    while (pairs.find()) {
      String key = PythonText.strip(PythonText.strip(pairs.group(1)), "'\"");
      String value = PythonText.strip(pairs.group(2));
      if (value.startsWith("[") && value.endsWith("]")) {
        object.put(key, array(value, null));
      } else if (value.startsWith("{") && value.endsWith("}")) {
        object.put(key, object(value));
      } else {
        object.put(key, untyped(PythonText.strip(value, "'\"")));
      }
    }
    return object;
  }

  private static Object untyped(String text) {
    String value = PythonText.strip(text);
    if (value.equals("true") || value.equals("false")) {
      return value.equals("true");
    }
    if (quoted(value)) {
      return inside(value);
    }
    Object number = integer(value);
    return number instanceof String ? real(value) : number;
  }
}
