package org.grpo4j.trainer.benchmark;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.text.PythonJsonText;
import org.jspecify.annotations.Nullable;

/**
 * The functions of a question as models are told of them: with BFCL's hint at the language, and
 * with parameters of Java and JavaScript as texts.
 */
final class BfclFunctions {
  private final BfclQuestion question;
  private final BfclLanguage language;

  private BfclFunctions(BfclQuestion question) {
    this.question = question;
    this.language = BfclLanguage.of(question.category());
  }

  /**
   * The descriptions, changed as BFCL changes them before it asks; the question's own stay.
   *
   * @throws InputException if a description lacks what BFCL takes for granted
   */
  static List<Map<String, Object>> described(BfclQuestion question) {
    return question.functions().stream().map(new BfclFunctions(question)::described).toList();
  }

  private Map<String, Object> described(Map<String, Object> original) {
    Map<String, Object> function = object(copy(original), "function");
    String syntax =
        switch (language) {
          case PYTHON -> "Python 3";
          case JAVA -> "Java 8 SDK";
          case JAVASCRIPT -> "JavaScript";
        };
    append(function, " Note that the provided function is in %s syntax.".formatted(syntax));
    Map<String, Object> parameters = object(function.get("parameters"), "parameters");
    Map<String, Object> properties = object(parameters.get("properties"), "properties");
    if (language != BfclLanguage.PYTHON) {
      properties.values().forEach(property -> asText(object(property, "a parameter")));
    }
    return function;
  }

  private void asText(Map<String, Object> property) {
    String name = language == BfclLanguage.JAVA ? "Java" : "JavaScript";
    String type = String.valueOf(property.get("type"));
    append(
        property,
        type.equals("any")
            ? " This parameter can be of any type of %s object in string representation."
                .formatted(name)
            : " This is %s %s type parameter in string representation.".formatted(name, type));
    boolean list =
        language == BfclLanguage.JAVA
            ? type.equals("ArrayList") || type.equals("Array")
            : type.equals("array");
    if (list) {
      Map<String, Object> items = object(property.remove("items"), "items");
      append(
          property,
          " The list elements are of type %s; they are not in string representation."
              .formatted(items.get("type")));
    }
    if (language == BfclLanguage.JAVASCRIPT
        && type.equals("dict")
        && property.containsKey("properties")) {
      append(
          property,
          " The dictionary entries have the following schema; they are not in string"
              + " representation. "
              + PythonJsonText.ascii(property.remove("properties")));
    }
    property.put("type", "string");
  }

  private void append(Map<String, Object> described, String hint) {
    if (!(described.get("description") instanceof String description)) {
      throw missing("description");
    }
    described.put("description", description + hint);
  }

  private InputException missing(String what) {
    return new InputException(
        "question %s: a function without '%s'".formatted(question.id(), what));
  }

  @SuppressWarnings("unchecked") // Keys of JSON objects are texts.
  private Map<String, Object> object(@Nullable Object value, String what) {
    if (value instanceof Map<?, ?> map) {
      return (Map<String, Object>) map;
    }
    throw missing(what);
  }

  private static @Nullable Object copy(@Nullable Object value) {
    if (value instanceof Map<?, ?> map) {
      Map<Object, @Nullable Object> copied = new LinkedHashMap<>();
      map.forEach((key, item) -> copied.put(key, copy(item)));
      return copied;
    }
    if (value instanceof List<?> list) {
      List<@Nullable Object> copied = new ArrayList<>();
      list.forEach(item -> copied.add(copy(item)));
      return copied;
    }
    return value;
  }
}
