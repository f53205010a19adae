package org.grpo4j.trainer.benchmark;

import java.util.Map;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonType;

/** The language of a question's functions: the names of its types, and what they are in Python. */
public enum BfclLanguage {
  PYTHON(
      Map.of(
          "string", PythonType.STR,
          "integer", PythonType.INT,
          "float", PythonType.FLOAT,
          "boolean", PythonType.BOOL,
          "array", PythonType.LIST,
          "tuple", PythonType.LIST,
          "dict", PythonType.DICT,
          "any", PythonType.STR)),
  JAVA(
      Map.ofEntries(
          Map.entry("byte", PythonType.INT),
          Map.entry("short", PythonType.INT),
          Map.entry("integer", PythonType.INT),
          Map.entry("long", PythonType.INT),
          Map.entry("float", PythonType.FLOAT),
          Map.entry("double", PythonType.FLOAT),
          Map.entry("boolean", PythonType.BOOL),
          Map.entry("char", PythonType.STR),
          Map.entry("String", PythonType.STR),
          Map.entry("any", PythonType.STR),
          Map.entry("Array", PythonType.LIST),
          Map.entry("ArrayList", PythonType.LIST),
          Map.entry("Set", PythonType.SET),
          Map.entry("Queue", PythonType.LIST),
          Map.entry("Stack", PythonType.LIST),
          Map.entry("HashMap", PythonType.DICT),
          Map.entry("Hashtable", PythonType.DICT))),
  JAVASCRIPT(
      Map.of(
          "String", PythonType.STR,
          "any", PythonType.STR,
          "integer", PythonType.INT,
          "Bigint", PythonType.INT,
          "float", PythonType.FLOAT,
          "Boolean", PythonType.BOOL,
          "dict", PythonType.DICT,
          "array", PythonType.LIST));

  @SuppressWarnings("ImmutableEnumChecker") // Map.of gives one that nobody can change.
  private final Map<String, PythonType> types;

  BfclLanguage(Map<String, PythonType> types) {
    this.types = types;
  }

  /** The language of a category's functions; a category names it unless it is Python. */
  public static BfclLanguage of(String category) {
    if (category.contains("javascript")) {
      return JAVASCRIPT;
    }
    return category.contains("java") ? JAVA : PYTHON;
  }

  /** Whether values of the type have elements with a type of their own. */
  boolean nests(Object typeName) {
    return switch (this) {
      case PYTHON -> typeName.equals("array") || typeName.equals("tuple");
      case JAVA, JAVASCRIPT ->
          typeName.equals("Array") || typeName.equals("ArrayList") || typeName.equals("array");
    };
  }

  PythonType type(Object name) throws PythonError {
    PythonType type = name instanceof String text ? types.get(text) : null;
    if (type == null) {
      throw new PythonError("KeyError: " + name);
    }
    return type;
  }
}
