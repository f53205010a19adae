package org.grpo4j.trainer.environment;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A call as the model wrote it.
 *
 * @param name of the tool, empty where it cannot be read
 * @param arguments by name: texts, numbers, booleans, lists, maps and nulls, in the order written
 * @param problem why it cannot be carried out; null for a readable call
 */
public record ToolCall(
    String name, Map<String, @Nullable Object> arguments, @Nullable String problem) {
  public ToolCall {
    // Not Map.copyOf: JSON has nulls.
    arguments = Collections.unmodifiableMap(new LinkedHashMap<>(arguments));
  }

  /** A readable call. */
  public static ToolCall of(String name, Map<String, @Nullable Object> arguments) {
    return new ToolCall(name, arguments, null);
  }

  /** A call that cannot be read. */
  public static ToolCall unreadable(String problem) {
    return new ToolCall("", Map.of(), problem);
  }
}
