package org.grpo4j.trainer.benchmark;

import java.math.BigInteger;
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

/**
 * The value of a Java expression in an answer, as BFCL's checker takes it: by patterns, and as the
 * text itself where none fits.
 */
final class JavaLiterals {
  /** As in Python, only a line feed ends a line, and digits of every script are digits. */
  static final int PYTHON = Pattern.UNIX_LINES | Pattern.UNICODE_CHARACTER_CLASS;

  private static final Pattern INTEGER = Pattern.compile("^-?\\d+$", PYTHON);
  private static final Pattern LONG = Pattern.compile("^-?\\d+[lL]$", PYTHON);
  private static final String DECIMAL = "^-?\\d+(\\.\\d+)?([eE][+-]?\\d+)?";
  private static final Pattern DOUBLE = Pattern.compile(DECIMAL + "$", PYTHON);
  private static final Pattern FLOAT = Pattern.compile(DECIMAL + "[fF]$", PYTHON);
  private static final Pattern LIST_OF =
      Pattern.compile("new\\s+ArrayList<\\w*>\\(Arrays\\.asList\\((.+?)\\)\\)", PYTHON);
  private static final Pattern LIST_BLOCK =
      Pattern.compile(
          "new\\s+ArrayList<\\w*>\\(\\)\\s*\\{\\{\\s*(.+?)\\s*\\}\\}", PYTHON | Pattern.DOTALL);
  private static final Pattern ADD = Pattern.compile("add\\((.+?)\\)", PYTHON);
  private static final Pattern EMPTY_LIST = Pattern.compile("new\\s+ArrayList<\\w*>\\(\\)", PYTHON);
  private static final Pattern ARRAY = Pattern.compile("new\\s+\\w+\\[\\]\\s*\\{(.*?)\\}", PYTHON);
  private static final Pattern MAP_BLOCK =
      Pattern.compile(
          "new\\s+HashMap<.*?>\\s*\\(\\)\\s*\\{\\s*\\{?\\s*(.*?)\\s*\\}?\\s*\\}",
          PYTHON | Pattern.DOTALL);
  private static final Pattern PUT = Pattern.compile("put\\(\"(.*?)\",\\s*(.*?)\\)", PYTHON);
  private static final Pattern EMPTY_MAP = Pattern.compile("new\\s+HashMap<.*?>\\s*\\(\\)", PYTHON);

  private JavaLiterals() {}

  /**
   * Converts.
   *
   * @param type the parameter's type as the question names it
   * @param nested the type of an array's elements, null for other types
   */
  static Object convert(String text, String type, @Nullable String nested) throws PythonError {
    return switch (type) {
      case "byte", "short", "integer" -> INTEGER.matcher(text).find() ? integer(text) : text;
      case "long" -> LONG.matcher(text).find() ? integer(withoutSuffix(text)) : text;
      case "float" -> FLOAT.matcher(text).find() ? real(withoutSuffix(text)) : text;
      case "double" -> DOUBLE.matcher(text).find() ? real(text) : text;
      case "boolean" ->
          text.equals("true") || text.equals("false") ? (Object) text.equals("true") : text;
      case "ArrayList" -> list(text, nested);
      case "Array" -> array(text, nested);
      case "HashMap" -> map(text);
      case "char", "String", "any" -> text;
      default -> throw new PythonError(type + " conversion is not implemented");
    };
  }

  /** A number's text without its last letter, before a line feed that patterns allow there. */
  private static String withoutSuffix(String text) {
    return text.strip().replaceFirst("[lLfF]$", "");
  }

  private static BigInteger integer(String text) throws PythonError {
    return PythonNumbers.integer(text).orElseThrow(() -> new PythonError("no int: " + text));
  }

  private static Double real(String text) throws PythonError {
    return PythonNumbers.real(text).orElseThrow(() -> new PythonError("no float: " + text));
  }

  private static Object list(String text, @Nullable String nested) throws PythonError {
    Matcher of = LIST_OF.matcher(text);
    if (of.find()) {
      return elements(List.of(of.group(1).split(",", -1)), nested);
    }
    Matcher block = LIST_BLOCK.matcher(text);
    if (block.find()) {
      return elements(ADD.matcher(block.group(1)).results().map(m -> m.group(1)).toList(), nested);
    }
    return EMPTY_LIST.matcher(text).find() ? List.of() : text;
  }

  private static List<Object> elements(List<String> texts, @Nullable String nested)
      throws PythonError {
    List<Object> elements = new ArrayList<>();
    for (String text : texts) {
      String element = PythonText.strip(text);
      if (nested == null) {
        elements.add(untyped(element));
      } else if (nested.equals("char") || nested.equals("String")) {
        elements.add(inside(element));
      } else {
        elements.add(convert(element, nested, null));
      }
    }
    return elements;
  }

  /** {@code text[1:-1]}. */
  private static String inside(String text) {
    return text.length() < 2 ? "" : text.substring(1, text.length() - 1);
  }

  private static Object array(String text, @Nullable String nested) throws PythonError {
    Matcher array = ARRAY.matcher(text);
    if (!array.find()) {
      return text;
    }
    List<Object> elements = new ArrayList<>();
    for (String part : array.group(1).split(",", -1)) {
      String element = PythonText.strip(part);
      if (!element.isEmpty()) {
        elements.add(nested == null ? untyped(element) : convert(element, nested, null));
      }
    }
    return elements;
  }

  private static Object map(String text) throws PythonError {
    Map<String, Object> map = new LinkedHashMap<>();
    Matcher block = MAP_BLOCK.matcher(text);
    if (!block.find()) {
      return EMPTY_MAP.matcher(text).find() ? map : text;
    }
    Matcher puts = PUT.matcher(block.group(1));
    while (puts.find()) {
      map.put(puts.group(1), untyped(PythonText.strip(puts.group(2))));
    }
    return map;
  }

  private static Object untyped(String text) throws PythonError {
    if (text.equals("true") || text.equals("false")) {
      return text.equals("true");
    }
    if (text.startsWith("\"") && text.endsWith("\"")) {
      return inside(text);
    }
    if (LONG.matcher(text).find()) {
      return integer(withoutSuffix(text));
    }
    if (FLOAT.matcher(text).find()) {
      return real(withoutSuffix(text));
    }
    Object number = PythonNumbers.integer(text).<Object>map(i -> i).orElse(null);
    return number != null ? number : PythonNumbers.real(text).<Object>map(r -> r).orElse(text);
  }
}
