package org.grpo4j.trainer.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What {@code tool_choice} asks for.
 *
 * @param callable the tools that the model is told of; none where it must not call
 * @param forced names one of which the completion has to call first; empty: the model decides
 * @param single whether one call alone is wanted
 */
record ToolChoice(List<Map<String, Object>> callable, List<String> forced, boolean single) {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  ToolChoice {
    callable = List.copyOf(callable);
    forced = List.copyOf(forced);
  }

  /**
   * Reads it.
   *
   * @param tools of the request
   * @throws ApiException 400 where it is none of OpenAI's forms, or asks for what is not there
   */
  static ToolChoice of(RequestFields fields, List<Map<String, Object>> tools) {
    JsonNode choice = fields.get("tool_choice");
    if (choice.isMissingNode() || choice.asText().equals("auto")) {
      return new ToolChoice(tools, List.of(), false);
    }
    if (choice.asText().equals("none")) {
      return new ToolChoice(List.of(), List.of(), false);
    }
    List<String> names = tools.stream().map(ToolChoice::name).toList();
    if (choice.asText().equals("required")) {
      if (names.isEmpty()) {
        throw ApiException.badRequest("tool_choice", "'tool_choice' required needs 'tools'.");
      }
      return new ToolChoice(tools, names, false);
    }
    JsonNode name = choice.at("/function/name");
    if (!choice.path("type").asText().equals("function") || !name.isTextual()) {
      throw fields.wrong("tool_choice", "auto, none, required or {type, function: {name}}", choice);
    }
    if (!names.contains(name.asText())) {
      throw ApiException.badRequest(
          "tool_choice",
          "'tool_choice' names '%s', which is none of 'tools': %s."
              .formatted(name.asText(), names));
    }
    return new ToolChoice(tools, List.of(name.asText()), true);
  }

  private static String name(Map<String, Object> tool) {
    return function(tool).path("name").asText();
  }

  private static JsonNode function(Map<String, Object> tool) {
    return MAPPER.valueToTree(tool.get("function"));
  }

  /**
   * A call of one of the forced names, its arguments as the tool's schema has them.
   *
   * @throws ApiException 400 where the server reads no calls, or can't hold them to the schema of a
   *     tool that is strict
   */
  CompletionForm form(ServedModel served) {
    ToolCallSyntax syntax = served.toolCalls();
    if (syntax == ToolCallSyntax.NONE) {
      throw ApiException.badRequest(
          "tool_choice", "This server reads no tool calls (tool_call_format none).");
    }
    List<CompletionForm.Opening> openings = new ArrayList<>();
    for (int i = 0; i < callable.size(); i++) {
      JsonNode function = function(callable.get(i));
      if (forced.contains(function.path("name").asText())) {
        String name = function.path("name").asText();
        JsonSchema arguments = arguments(function, "tools[%d].function.parameters".formatted(i));
        for (String key : syntax.argumentKeys()) {
          openings.add(
              CompletionForm.Opening.of(
                  "%s{\"name\": \"%s\", \"%s\":".formatted(syntax.opening(), name, key),
                  call(name, key, arguments),
                  served.tokenizer()));
        }
      }
    }
    return new CompletionForm(openings, syntax.closing());
  }

  private static JsonSchema call(String name, String key, JsonSchema arguments) {
    return new JsonSchema.Members(
        Map.of("name", new JsonSchema.Literals(List.of(), List.of(name)), key, arguments),
        Set.of("name", key),
        null);
  }

  private static JsonSchema arguments(JsonNode function, String where) {
    JsonNode parameters = function.path("parameters");
    if (parameters.isMissingNode() || parameters.isNull()) {
      return new JsonSchema.Members(Map.of(), Set.of(), null);
    }
    boolean strict = function.path("strict").asBoolean();
    String type = parameters.path("type").asText("object");
    if (!type.equals("object")) {
      if (strict) {
        throw ApiException.badRequest(
            where, "Invalid '%s': want the type object.".formatted(where));
      }
      return JsonSchema.ANY_OBJECT;
    }
    JsonSchema schema = JsonSchemaReader.read(parameters, where, strict);
    return schema instanceof JsonSchema.Any ? JsonSchema.ANY_OBJECT : schema;
  }
}
