package org.grpo4j.trainer.environment;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads the calls out of a turn, in the three forms that models write:
 *
 * <ul>
 *   <li>Qwen and Hermes: {@code <tool_call>} blocks with one JSON object each
 *   <li>ToolRL: one such block with one JSON object a line
 *   <li>Llama 3: the whole turn is one JSON object with {@code name} and {@code parameters}, or a
 *       list of them, {@code <|python_tag|>} before it or not
 * </ul>
 *
 * The arguments are under {@code arguments} or {@code parameters}. What is inside closed {@code
 * <think>} blocks is no call.
 */
public final class CallReader {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();
  private static final TypeReference<Map<String, @Nullable Object>> OBJECT =
      new TypeReference<>() {};

  private static final Pattern THINK = Pattern.compile("<think>.*?</think>", Pattern.DOTALL);
  private static final Pattern BLOCK =
      Pattern.compile("<tool_call>(.*?)(</tool_call>|(?=<tool_call>)|\\z)", Pattern.DOTALL);
  private static final String PYTHON_TAG = "<|python_tag|>";

  private CallReader() {}

  /**
   * The calls of a turn in their order; those that cannot be read say why.
   *
   * @param text of the turn, without the token that ended it
   */
  public static List<ToolCall> read(String text) {
    String spoken = THINK.matcher(text).replaceAll("");
    List<ToolCall> calls = new ArrayList<>();
    Matcher block = BLOCK.matcher(spoken);
    while (block.find()) {
      if (block.group(2).isEmpty()) {
        calls.add(ToolCall.unreadable("the tool_call block is not closed"));
      } else {
        block(block.group(1).strip(), calls);
      }
    }
    return calls.isEmpty() ? bare(spoken) : calls;
  }

  private static void block(String content, List<ToolCall> calls) {
    Object whole = parse(content);
    if (whole != null) {
      calls.addAll(calls(whole));
      return;
    }
    List<String> lines = content.lines().filter(line -> !line.isBlank()).toList();
    for (String line : lines.isEmpty() ? List.of("") : lines) {
      Object value = parse(line);
      if (value == null) {
        calls.add(ToolCall.unreadable("the tool_call block is not valid JSON"));
      } else {
        calls.addAll(calls(value));
      }
    }
  }

  /** Llama's form; anything that does not look like a call is an answer. */
  private static List<ToolCall> bare(String text) {
    String content = text.strip();
    boolean tagged = content.startsWith(PYTHON_TAG);
    if (tagged) {
      content = content.substring(PYTHON_TAG.length()).strip();
    }
    if (!content.startsWith("{") && !content.startsWith("[")) {
      return List.of();
    }
    Object value = parse(content);
    if (value == null) {
      return tagged ? List.of(ToolCall.unreadable("the call is not valid JSON")) : List.of();
    }
    List<ToolCall> calls = calls(value);
    return calls.stream().allMatch(call -> call.problem() == null) ? calls : List.of();
  }

  private static List<ToolCall> calls(Object json) {
    List<ToolCall> calls = new ArrayList<>();
    for (Object item : json instanceof List<?> list ? list : List.of(json)) {
      calls.add(call(item));
    }
    return calls;
  }

  private static ToolCall call(@Nullable Object json) {
    if (!(json instanceof Map<?, ?> map)) {
      return ToolCall.unreadable("a call must be a JSON object with name and arguments");
    }
    if (!(map.get("name") instanceof String name) || name.isEmpty()) {
      return ToolCall.unreadable("the call has no name");
    }
    Object arguments = map.containsKey("arguments") ? map.get("arguments") : map.get("parameters");
    if (arguments == null) {
      return ToolCall.of(name, Map.of());
    }
    // OpenAI's form holds the arguments as JSON text.
    Object value = arguments instanceof String text ? parse(text) : arguments;
    if (!(value instanceof Map<?, ?>)) {
      return new ToolCall(name, Map.of(), "the arguments must be a JSON object");
    }
    return ToolCall.of(name, JSON.convertValue(value, OBJECT));
  }

  private static @Nullable Object parse(String text) {
    try {
      return JSON.readValue(text, Object.class);
    } catch (JsonProcessingException e) {
      return null; // The caller says what was expected: the model reads it, not a programmer.
    }
  }
}
