package org.grpo4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.openai.core.JsonValue;
import com.openai.errors.BadRequestException;
import com.openai.models.ResponseFormatJsonObject;
import com.openai.models.ResponseFormatJsonSchema;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionToolChoiceOption;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Tools and forms of answers, asked for by OpenAI's own Java client. */
class OpenAiToolsTest extends OpenAiClientFixture {
  @Test
  void aToolIsCalledAndItsAnswerGoesBack() {
    ChatCompletion first = send(withTools(chat(QUESTION)));
    assertEquals("tool_calls", reason(first));
    ChatCompletionMessageFunctionToolCall call =
        first.choices().get(0).message().toolCalls().orElseThrow().get(0).asFunction();
    assertEquals("get_weather", call.function().name());
    assertEquals("{\"city\":\"Lima\",\"days\":23}", call.function().arguments());
    assertTrue(content(first).startsWith("<think>"), content(first));

    ChatCompletion second =
        send(
            withTools(chat(QUESTION))
                .addMessage(first.choices().get(0).message())
                .addMessage(
                    ChatCompletionToolMessageParam.builder()
                        .toolCallId(call.id())
                        .content("Sunny")
                        .build()));
    assertTrue(
        second.usage().orElseThrow().promptTokens()
            > first.usage().orElseThrow().promptTokens() + 5);

    // Without tools, or with tool_choice none, the same text is content.
    String text = content(send(chat(QUESTION)));
    assertTrue(text.contains("<tool_call>"), text);
  }

  /** The model would call get_weather, and says nothing of its own where it may not. */
  @Test
  void toolChoiceIsHeeded() {
    ChatCompletion forced = send(withTools(chat(QUESTION)).toolChoice(named("set_alarm")));
    assertEquals("set_alarm", onlyCall(forced).name());
    assertEquals("tool_calls", reason(forced));
    assertTrue(onlyCall(forced).arguments().startsWith("{\""), onlyCall(forced).arguments());
    assertEquals("", content(forced), "no reasoning before a call that is forced");

    ChatCompletionCreateParams.Builder required =
        withTools(chat("Hello")).toolChoice(ChatCompletionToolChoiceOption.Auto.REQUIRED);
    ChatCompletion whole = send(required);
    assertTrue(List.of("set_alarm", "get_weather", "start_timer").contains(onlyCall(whole).name()));
    assertEquals(onlyCall(whole), onlyCall(stream(required)));

    ChatCompletion none =
        send(withTools(chat(QUESTION)).toolChoice(ChatCompletionToolChoiceOption.Auto.NONE));
    assertTrue(none.choices().get(0).message().toolCalls().isEmpty());
    assertEquals("stop", reason(none));
  }

  private static ChatCompletionMessageFunctionToolCall.Function onlyCall(
      ChatCompletion completion) {
    var calls = completion.choices().get(0).message().toolCalls().orElseThrow();
    assertEquals(1, calls.size(), calls.toString());
    return calls.get(0).asFunction().function();
  }

  /** Prose is what the model would write, and braces alone where it is pushed to end. */
  @Test
  void jsonObjectIsJson() throws IOException {
    ChatCompletionCreateParams.Builder params =
        seeded(chat("Hello").responseFormat(ResponseFormatJsonObject.builder().build()), 2)
            .temperature(1.0)
            .n(4)
            .maxCompletionTokens(100)
            // The id of a byte is the byte: closing braces, wherever they may stand.
            .putAdditionalBodyProperty("logit_bias", JsonValue.from(Map.of("125", 12)));
    int whole = 0;
    for (var choice : send(params).choices()) {
      String text = choice.message().content().orElse("");
      assertTrue(text.stripLeading().startsWith("{"), text);
      // Inside a string a brace ends nothing: such a completion is cut at its limit.
      if (choice.finishReason().toString().equals("stop")) {
        assertTrue(new ObjectMapper().readTree(text).isObject(), text);
        whole++;
      }
    }
    assertTrue(whole > 0, "one at least closes its first brace");
  }

  private static ResponseFormatJsonSchema schema(String keyword, Object value) {
    Map<String, Object> days = Map.of("type", "integer", keyword, value);
    return ResponseFormatJsonSchema.builder()
        .jsonSchema(
            ResponseFormatJsonSchema.JsonSchema.builder()
                .name("answer")
                .strict(true)
                .schema(
                    ResponseFormatJsonSchema.JsonSchema.Schema.builder()
                        .putAdditionalProperty("type", JsonValue.from("object"))
                        .putAdditionalProperty(
                            "properties",
                            JsonValue.from(
                                Map.of("days", days, "unit", Map.of("enum", List.of("C", "F")))))
                        .putAdditionalProperty("required", JsonValue.from(List.of("days", "unit")))
                        .putAdditionalProperty("additionalProperties", JsonValue.from(false))
                        .build())
                .build())
        .build();
  }

  /** The model never saw such answers: members, types and words are the schema's all the same. */
  @Test
  void jsonSchemaIsHeldTo() throws IOException {
    ChatCompletionCreateParams.Builder params =
        seeded(chat("Hello").responseFormat(schema("title", "how many")), 2)
            .temperature(1.0)
            .n(4)
            .maxCompletionTokens(200)
            // A comma or a brace ends a number, blanks end nothing.
            .putAdditionalBodyProperty(
                "logit_bias", JsonValue.from(Map.of("44", 8, "125", 8, "32", -100, "10", -100)));
    for (var choice : send(params).choices()) {
      JsonNode answer = new ObjectMapper().readTree(choice.message().content().orElse(""));
      assertEquals(2, answer.size(), answer.toString());
      assertTrue(answer.get("days").isIntegralNumber(), answer.toString());
      assertTrue(List.of("C", "F").contains(answer.get("unit").asText()), answer.toString());
    }
    BadRequestException refused =
        assertThrows(
            BadRequestException.class,
            () -> send(chat("Hello").responseFormat(schema("multipleOf", 2))));
    assertTrue(String.valueOf(refused.getMessage()).contains("multipleOf"), refused.getMessage());
  }
}
