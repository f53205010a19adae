package org.grpo4j.trainer.task;

import java.util.Map;
import java.util.stream.Collectors;

/**
 * A call: the tool's name and its arguments in the order of the signature.
 *
 * @param name of the tool
 * @param arguments Integer or String by parameter name, in the signature's order
 */
record ToolCall(String name, Map<String, Object> arguments) {

  /** {@code {"name": "get_weather", "parameters": {"city": "Paris", "days": 12}}}. */
  String json() {
    return arguments.entrySet().stream()
        .map(e -> '"' + e.getKey() + "\": " + literal(e.getValue()))
        .collect(Collectors.joining(", ", "{\"name\": \"" + name + "\", \"parameters\": {", "}}"));
  }

  /** The completion that gets the highest reward. */
  String completion() {
    return "<think>use " + name + "</think>\n<tool_call>\n" + json() + "\n</tool_call>";
  }

  /** Words of the catalogue are plain letters, so nothing needs escaping. */
  private static String literal(Object value) {
    return value instanceof String ? "\"" + value + '"' : value.toString();
  }
}
