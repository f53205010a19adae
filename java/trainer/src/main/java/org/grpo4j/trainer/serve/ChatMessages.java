package org.grpo4j.trainer.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.grpo4j.torch.JsonProblem;
import org.jspecify.annotations.Nullable;

/** Messages and tools in the form that chat templates of Hugging Face checkpoints take. */
final class ChatMessages {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final TypeReference<LinkedHashMap<String, Object>> MAP = new TypeReference<>() {};
  private static final Set<String> ROLES =
      Set.of("system", "developer", "user", "assistant", "tool");

  private ChatMessages() {}

  /** The conversation. */
  static List<Map<String, Object>> messages(RequestFields request) {
    JsonNode list = request.list("messages");
    if (list.isEmpty()) {
      throw ApiException.badRequest("messages", "'messages' must hold at least one message.");
    }
    List<Map<String, Object>> messages = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      messages.add(message(list.get(i), "messages[" + i + "]"));
    }
    return messages;
  }

  private static Map<String, Object> message(JsonNode json, String where) {
    if (!(json instanceof ObjectNode object)) {
      throw ApiException.badRequest(where, "'%s' must be an object.".formatted(where));
    }
    Map<String, Object> message = new LinkedHashMap<>();
    String role = json.path("role").asText();
    if (!ROLES.contains(role)) {
      throw ApiException.badRequest(
          where + ".role",
          "Invalid '%s.role': want system, developer, user, assistant or tool, got %s."
              .formatted(where, json.path("role")));
    }
    // Templates know the older name.
    message.put("role", role.equals("developer") ? "system" : role);
    String content = content(object.path("content"), where + ".content");
    JsonNode calls = object.path("tool_calls");
    boolean hasCalls = role.equals("assistant") && calls.isArray() && !calls.isEmpty();
    if (content == null && !hasCalls) {
      throw ApiException.badRequest(
          where + ".content", "Missing field: '%s.content'.".formatted(where));
    }
    // A null would be printed as a word by templates that join strings.
    message.put("content", content == null ? "" : content);
    if (hasCalls) {
      message.put("tool_calls", toolCalls(calls, where + ".tool_calls"));
    }
    for (String name : List.of("name", "tool_call_id", "reasoning_content")) {
      if (object.path(name).isTextual()) {
        message.put(name, object.path(name).asText());
      }
    }
    return message;
  }

  private static @Nullable String content(JsonNode content, String where) {
    if (content.isMissingNode() || content.isNull()) {
      return null;
    }
    if (content.isTextual()) {
      return content.asText();
    }
    if (!content.isArray()) {
      throw ApiException.badRequest(
          where, "Invalid '%s': want a string or a list of parts.".formatted(where));
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode part : content) {
      if (!part.path("type").asText().equals("text") || !part.path("text").isTextual()) {
        throw ApiException.badRequest(
            where, "Invalid '%s': this model reads parts of type 'text' alone.".formatted(where));
      }
      texts.add(part.get("text").asText());
    }
    return String.join("\n", texts);
  }

  /** Arguments come as JSON text; templates print them as JSON themselves and want the object. */
  private static List<Map<String, Object>> toolCalls(JsonNode calls, String where) {
    List<Map<String, Object>> result = new ArrayList<>();
    for (int i = 0; i < calls.size(); i++) {
      String field = "%s[%d].function".formatted(where, i);
      JsonNode function = calls.get(i).path("function");
      if (!function.path("name").isTextual()) {
        throw ApiException.badRequest(
            field + ".name", "Missing field: '%s.name'.".formatted(field));
      }
      Map<String, Object> call = new LinkedHashMap<>();
      call.put("name", function.get("name").asText());
      call.put("arguments", arguments(function.path("arguments"), field + ".arguments"));
      Map<String, Object> wrapped = new LinkedHashMap<>();
      if (calls.get(i).path("id").isTextual()) {
        wrapped.put("id", calls.get(i).get("id").asText());
      }
      wrapped.put("type", "function");
      wrapped.put("function", call);
      result.add(wrapped);
    }
    return result;
  }

  private static Map<String, Object> arguments(JsonNode arguments, String where) {
    JsonNode object = arguments;
    if (arguments.isTextual()) {
      try {
        object = MAPPER.readTree(arguments.asText().isBlank() ? "{}" : arguments.asText());
      } catch (JsonProcessingException e) {
        throw ApiException.badRequest(
            where, "Invalid '%s': not JSON (%s).".formatted(where, JsonProblem.of(e)));
      }
    }
    if (object.isMissingNode() || object.isNull()) {
      return Map.of();
    }
    if (!object.isObject()) {
      throw ApiException.badRequest(
          where, "Invalid '%s': want a JSON object as text.".formatted(where));
    }
    return MAPPER.convertValue(object, MAP);
  }

  /** The signatures as given, each checked to be a function with a name. */
  static List<Map<String, Object>> tools(RequestFields request) {
    List<Map<String, Object>> tools = new ArrayList<>();
    JsonNode list = request.list("tools");
    for (int i = 0; i < list.size(); i++) {
      String where = "tools[" + i + "]";
      JsonNode function = list.get(i).path("function");
      if (!list.get(i).path("type").asText().equals("function") || !function.isObject()) {
        throw ApiException.badRequest(
            where,
            "Invalid '%s': want {\"type\": \"function\", \"function\": {…}}.".formatted(where));
      }
      if (!function.path("name").asText().matches("[A-Za-z0-9_.-]{1,256}")) {
        throw ApiException.badRequest(
            where + ".function.name",
            "Invalid '%s.function.name': want letters, digits, '_', '-' or '.', got %s."
                .formatted(where, function.path("name")));
      }
      JsonNode parameters = function.path("parameters");
      if (!parameters.isMissingNode() && !parameters.isNull() && !parameters.isObject()) {
        throw ApiException.badRequest(
            where + ".function.parameters",
            "Invalid '%s.function.parameters': want a JSON schema.".formatted(where));
      }
      tools.add(MAPPER.convertValue(list.get(i), MAP));
    }
    return tools;
  }

  /** Variables of the template that the request sets: vLLM's chat_template_kwargs. */
  static Map<String, Object> templateArguments(RequestFields request) {
    JsonNode given = request.get("chat_template_kwargs");
    return given.isMissingNode()
        ? Map.of()
        : MAPPER.convertValue(request.asObject("chat_template_kwargs", given), MAP);
  }
}
