package org.grpo4j.trainer.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.grpo4j.torch.text.PythonJsonText;
import org.jspecify.annotations.Nullable;

/**
 * The forms of a row, told apart by their columns:
 *
 * <ul>
 *   <li>ToolRL's SFT rows: {@code instruction} (system), {@code input} (user), {@code output}
 *   <li>verl's rows, rlla_4k among them: {@code prompt}, {@code reward_model.ground_truth}
 *   <li>TRL's prompt-completion rows: {@code prompt}, and {@code completion}, {@code answer} or
 *       {@code solution}
 *   <li>TRL's conversations: {@code messages}, of which the last one, the assistant's, is the
 *       answer
 * </ul>
 *
 * <p>A {@code prompt} is a list of messages or raw text. {@code tools} is a list, or a list written
 * as JSON text. Every column that is not part of the form is kept in {@link Example#extra()}.
 */
final class RowForm {
  private static final List<String> ANSWERS = List.of("completion", "answer", "solution");
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final Map<String, @Nullable Object> row;
  private final RowSource source;
  private final Set<String> used = new HashSet<>(Set.of("id", "tools"));

  private RowForm(Map<String, @Nullable Object> row, RowSource source) {
    this.row = row;
    this.source = source;
  }

  static Example toExample(Map<String, @Nullable Object> row, RowSource source) {
    return new RowForm(row, source).toExample();
  }

  private Example toExample() {
    if (row.containsKey("instruction")) {
      return instruction();
    }
    if (row.containsKey("prompt")) {
      return row.containsKey("reward_model") ? verl() : promptCompletion();
    }
    if (row.containsKey("messages")) {
      return conversation();
    }
    throw source.error(
        "no known form of row; expected the columns instruction, input, output, or prompt with"
            + " reward_model.ground_truth, completion, answer or solution, or messages; got "
            + row.keySet());
  }

  private Example instruction() {
    String system = text("instruction");
    String user = row.get("input") == null ? "" : text("input");
    String output = text("output");
    used.addAll(List.of("instruction", "input", "output"));
    // Without an input the instruction is the question itself, as in Alpaca's rows.
    List<Map<String, Object>> messages =
        user.isEmpty()
            ? List.of(message("user", system))
            : List.of(message("system", system), message("user", user));
    return build(messages, null, output);
  }

  private Example verl() {
    if (!(row.get("reward_model") instanceof Map<?, ?> model)) {
      throw source.error("reward_model must be an object with ground_truth");
    }
    Object truth = model.get("ground_truth");
    if (truth == null) {
      throw source.error("reward_model.ground_truth is missing");
    }
    used.addAll(List.of("prompt", "reward_model"));
    return prompted(truth instanceof String text ? text : PythonJsonText.dumps(truth));
  }

  private Example promptCompletion() {
    String column =
        ANSWERS.stream()
            .filter(name -> row.get(name) != null)
            .findFirst()
            .orElseThrow(
                () ->
                    source.error(
                        "no answer beside prompt; expected completion, answer, solution or"
                            + " reward_model.ground_truth (empty text where no reward needs it)"));
    used.addAll(List.of("prompt", column));
    if (row.get(column) instanceof List<?>) {
      List<Map<String, Object>> reply = messages(column);
      if (reply.size() != 1) {
        throw source.error(column + " must be one assistant message, got " + reply.size());
      }
      return prompted(assistantText(reply.get(0), column));
    }
    return prompted(text(column));
  }

  private Example conversation() {
    List<Map<String, Object>> all = messages("messages");
    if (all.size() < 2) {
      throw source.error("messages must hold a prompt and the assistant's answer");
    }
    used.add("messages");
    String answer = assistantText(all.get(all.size() - 1), "messages, the last of them,");
    return build(all.subList(0, all.size() - 1), null, answer);
  }

  private Example prompted(String answer) {
    return row.get("prompt") instanceof String raw
        ? build(List.of(), raw, answer)
        : build(messages("prompt"), null, answer);
  }

  private Example build(
      List<Map<String, Object>> messages, @Nullable String prompt, String answer) {
    Map<String, Object> extra = new LinkedHashMap<>();
    row.forEach(
        (name, value) -> {
          if (!used.contains(name) && value != null) {
            extra.put(name, value);
          }
        });
    return new Example(id(), messages, prompt, answer, tools(), extra, source.toString());
  }

  /** The row's id, else verl's extra_info.index, else the number of the row. */
  private String id() {
    Object id = row.get("id");
    if (id == null && row.get("extra_info") instanceof Map<?, ?> info) {
      id = info.get("index");
    }
    return id == null ? Integer.toString(source.row()) : id.toString();
  }

  private String text(String column) {
    if (row.get(column) instanceof String text) {
      return text;
    }
    throw source.error(column + " must be text, got " + kind(row.get(column)));
  }

  private String assistantText(Map<String, Object> message, String what) {
    if (!"assistant".equals(message.get("role"))) {
      throw source.error(what + " must have the role assistant, got " + message.get("role"));
    }
    // tool_calls would have to be written in the model's own format to be learnt as text.
    if (message.containsKey("tool_calls") || !(message.get("content") instanceof String text)) {
      throw source.error(what + " must hold its whole answer as text in content");
    }
    return text;
  }

  private List<Map<String, Object>> messages(String column) {
    if (!(row.get(column) instanceof List<?> list) || list.isEmpty()) {
      throw source.error(
          column + " must be text or a list of messages, got " + kind(row.get(column)));
    }
    List<Map<String, Object>> messages = new ArrayList<>();
    for (Object item : list) {
      String what = column + "[" + messages.size() + "]";
      Map<String, Object> message = object(item, what);
      if (!(message.get("role") instanceof String)) {
        throw source.error(what + ".role must be text, got " + kind(message.get("role")));
      }
      // An assistant's message with tool_calls alone has no content in OpenAI's form.
      if (!(message.get("content") instanceof String)
          && !(message.get("content") == null && message.get("tool_calls") instanceof List<?>)) {
        throw source.error(what + ".content must be text, got " + kind(message.get("content")));
      }
      messages.add(message);
    }
    return messages;
  }

  private List<Map<String, Object>> tools() {
    Object value = row.get("tools");
    if (value instanceof String json) {
      try {
        value = json.isBlank() ? null : MAPPER.readValue(json, new TypeReference<Object>() {});
      } catch (JsonProcessingException e) {
        throw source.error("tools must be a list, or a list as JSON text", e);
      }
    }
    if (value == null) {
      return List.of();
    }
    if (!(value instanceof List<?> list)) {
      throw source.error("tools must be a list of tool signatures, got " + kind(value));
    }
    List<Map<String, Object>> tools = new ArrayList<>();
    for (Object item : list) {
      tools.add(object(item, "tools[" + tools.size() + "]"));
    }
    return tools;
  }

  /** Columns of a Parquet struct that a message does not have arrive as null: they are left out. */
  private Map<String, Object> object(@Nullable Object item, String what) {
    if (!(item instanceof Map<?, ?> map)) {
      throw source.error(what + " must be an object, got " + kind(item));
    }
    Map<String, Object> object = new LinkedHashMap<>();
    map.forEach(
        (key, value) -> {
          if (value != null) {
            object.put(String.valueOf(key), value);
          }
        });
    return object;
  }

  private static Map<String, Object> message(String role, String content) {
    Map<String, Object> message = new LinkedHashMap<>();
    message.put("role", role);
    message.put("content", content);
    return message;
  }

  private static String kind(@Nullable Object value) {
    if (value == null) {
      return "nothing";
    }
    if (value instanceof List<?> list) {
      return list.isEmpty() ? "an empty list" : "a list";
    }
    return value instanceof Map<?, ?>
        ? "an object"
        : value instanceof String ? "text" : "the value " + value;
  }
}
