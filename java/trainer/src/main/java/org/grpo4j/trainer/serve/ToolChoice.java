package org.grpo4j.trainer.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.List;
import java.util.Map;

/**
 * What {@code tool_choice} asks for.
 *
 * @param callable the tools that the model is told of; none where it must not call
 * @param forced names one of which the completion has to call first; empty: the model decides
 * @param single whether one call alone is wanted
 */
record ToolChoice(List<Map<String, Object>> callable, List<String> forced, boolean single) {
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
    return tool.get("function") instanceof Map<?, ?> function
        ? String.valueOf(function.get("name"))
        : "";
  }

  /**
   * A call of one of the forced names.
   *
   * @throws ApiException 400 where the server reads no calls
   */
  CompletionForm form(ServedModel served) {
    ToolCallSyntax syntax = served.toolCalls();
    if (syntax == ToolCallSyntax.NONE) {
      throw ApiException.badRequest(
          "tool_choice", "This server reads no tool calls (tool_call_format none).");
    }
    List<String> openings =
        forced.stream()
            .map(name -> syntax.openings(TextNode.valueOf(name).toString()))
            .flatMap(List::stream)
            .toList();
    return CompletionForm.of(openings, syntax.closing(), served.tokenizer());
  }
}
