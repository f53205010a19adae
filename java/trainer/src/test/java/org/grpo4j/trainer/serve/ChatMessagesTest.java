package org.grpo4j.trainer.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.text.ChatTemplate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the API's messages are to a chat template. */
class ChatMessagesTest {
  private static RequestFields fields(String json) {
    try {
      return new RequestFields((ObjectNode) new ObjectMapper().readTree(json));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(json, e);
    }
  }

  /** A conversation of a tool's call and its answer, through the lines of Qwen's template. */
  @Test
  void aTemplateCanPrintCallsAsJson() {
    RequestFields request =
        fields(
            """
            {"messages": [
              {"role": "developer", "content": [{"type": "text", "text": "Be"},
                                                {"type": "text", "text": "brief."}]},
              {"role": "user", "content": "Rome?"},
              {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function",
                 "function": {"name": "f", "arguments": "{\\"city\\": \\"Rome\\", \\"n\\": 2}"}}]},
              {"role": "tool", "tool_call_id": "call_1", "content": "Sunny"}]}
            """);
    String template =
        "{% for m in messages %}[{{ m.role }}|{{ m.content }}{% for c in m.tool_calls or [] %}"
            + "{{ c.function.name }} {{ c.function.arguments | tojson }}{% endfor %}"
            + "{{ m.tool_call_id or '' }}]{% endfor %}";
    assertEquals(
        "[system|Be\nbrief.][user|Rome?][assistant|f {\"city\": \"Rome\", \"n\": 2}]"
            + "[tool|Sunnycall_1]",
        ChatTemplate.parse(Path.of("test"), template, Map.of())
            .render(ChatMessages.messages(request), List.of(), Map.of(), false));
  }

  @Test
  void toolsAndTemplateArgumentsAreHandedOnAsTheyAre() {
    RequestFields request =
        fields(
            """
            {"tools": [{"type": "function", "function": {"name": "a.b", "description": "d",
               "parameters": {"type": "object", "properties": {"z": {}, "a": {}}}}}],
             "chat_template_kwargs": {"enable_thinking": false}}
            """);
    Map<String, Object> tool = ChatMessages.tools(request).get(0);
    assertEquals("function", tool.get("type"));
    // The order of keys is the order in the prompt.
    assertTrue(tool.toString().contains("properties={z={}, a={}}"), tool.toString());
    assertEquals(Map.of("enable_thinking", false), ChatMessages.templateArguments(request));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "messages | {\"messages\": {}}",
        "messages[0] | {\"messages\": [\"hello\"]}",
        "messages[0].role | {\"messages\": [{\"role\": \"robot\", \"content\": \"a\"}]}",
        "messages[0].content | {\"messages\": [{\"role\": \"user\"}]}",
        "messages[0].content | {\"messages\": [{\"role\": \"user\", \"content\": 1}]}",
        "messages[0].tool_calls[0].function.name | {\"messages\": [{\"role\": \"assistant\","
            + " \"tool_calls\": [{}]}]}",
        "messages[0].tool_calls[0].function.arguments | {\"messages\": [{\"role\": \"assistant\","
            + " \"tool_calls\": [{\"function\": {\"name\": \"f\", \"arguments\": \"{\"}}]}]}",
      })
  void whatIsWrongIsNamed(String param, String json) {
    ApiException failure =
        assertThrows(ApiException.class, () -> ChatMessages.messages(fields(json)));
    assertEquals(400, failure.status());
    assertEquals(param, failure.body().at("/error/param").asText());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "tools | {\"tools\": 1}",
        "tools[0] | {\"tools\": [{\"type\": \"web_search\"}]}",
        "tools[0].function.name | {\"tools\": [{\"type\": \"function\", \"function\": {\"name\":"
            + " \"a b\"}}]}",
        "tools[0].function.parameters | {\"tools\": [{\"type\": \"function\", \"function\":"
            + " {\"name\": \"f\", \"parameters\": []}}]}",
      })
  void toolsThatAreWrongAreNamed(String param, String json) {
    ApiException failure = assertThrows(ApiException.class, () -> ChatMessages.tools(fields(json)));
    assertEquals(param, failure.body().at("/error/param").asText());
  }
}
