package org.grpo4j.trainer.serve;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.text.ChatTemplate;

/**
 * {@code POST /v1/chat/completions}.
 *
 * @param readCalls whether the completion may hold tool calls
 * @param parallelCalls false: only the first call is given
 */
record ChatRequest(
    Generation generation, StreamMode stream, boolean readCalls, boolean parallelCalls) {
  private static final int MOST_LOGPROBS = 20;

  /**
   * Reads a request and renders its prompt.
   *
   * @throws ApiException 400, naming the field
   */
  static ChatRequest of(RequestFields fields, ServedModel served) {
    fields.refuse("functions", "use 'tools'");
    fields.refuse("function_call", "use 'tool_choice'");
    List<Map<String, Object>> messages = ChatMessages.messages(fields);
    List<Map<String, Object>> tools = ChatMessages.tools(fields);
    ToolChoice choice = ToolChoice.of(fields, tools);
    boolean logProbs = fields.flag("logprobs", false);
    int top = fields.integer("top_logprobs", 0, 0, MOST_LOGPROBS);
    if (top > 0 && !logProbs) {
      throw ApiException.badRequest("top_logprobs", "'top_logprobs' needs 'logprobs': true.");
    }
    long[] prompt = prompt(fields, served, messages, choice.callable());
    CompletionForm form = form(fields, choice, served);
    Generation generation =
        new SamplingFields(fields, served)
            .read(
                prompt,
                "messages",
                maxTokens(fields),
                form,
                Generation.Echo.NONE,
                logProbs ? top : -1);
    return new ChatRequest(
        generation,
        StreamMode.of(fields),
        !choice.callable().isEmpty(),
        fields.flag("parallel_tool_calls", true) && !choice.single());
  }

  private static CompletionForm form(RequestFields fields, ToolChoice choice, ServedModel served) {
    RequestFields format = fields.object("response_format");
    String type = fields.has("response_format") ? format.requiredText("type") : "text";
    JsonSchema schema =
        switch (type) {
          case "text" -> null;
          case "json_object" -> JsonSchema.ANY_OBJECT;
          case "json_schema" -> schema(format.object("json_schema"));
          default ->
              throw format.wrong("type", "text, json_object or json_schema", format.get("type"));
        };
    if (!choice.forced().isEmpty()) {
      return choice.form(served);
    }
    if (schema == null) {
      return CompletionForm.FREE;
    }
    if (!choice.callable().isEmpty()) {
      throw ApiException.badRequest(
          "response_format",
          "'response_format' %s leaves the model no way to call 'tools': leave out one of them, or"
                  .formatted(type)
              + " set tool_choice.");
    }
    return CompletionForm.json(schema);
  }

  private static JsonSchema schema(RequestFields format) {
    format.requiredText("name");
    JsonNode schema = format.get("schema");
    return JsonSchemaReader.read(schema, "response_format.json_schema.schema", true);
  }

  /** The newer name wins; −1: no limit of its own. */
  private static int maxTokens(RequestFields fields) {
    int older = fields.integer("max_tokens", -1, 1, Integer.MAX_VALUE);
    return fields.integer("max_completion_tokens", older, 1, Integer.MAX_VALUE);
  }

  private static long[] prompt(
      RequestFields fields,
      ServedModel served,
      List<Map<String, Object>> messages,
      List<Map<String, Object>> tools) {
    ChatTemplate template =
        served
            .template()
            .orElseThrow(
                () ->
                    ApiException.badRequest(
                        "messages", "This checkpoint has no chat template: use /v1/completions."));
    Map<String, Object> arguments = new HashMap<>(served.templateArguments());
    arguments.putAll(ChatMessages.templateArguments(fields));
    try {
      String text = template.render(messages, tools, arguments, true);
      // What the template writes holds its special tokens already.
      return served.tokenizer().encode(text, false);
    } catch (InputException e) {
      // The template refused the conversation, for example an order of roles it does not know.
      throw ApiException.badRequest("messages", String.valueOf(e.getMessage()));
    }
  }
}
