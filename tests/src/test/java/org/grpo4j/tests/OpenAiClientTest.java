package org.grpo4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.ResponseFormatJsonObject;
import com.openai.models.ResponseFormatJsonSchema;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionFunctionTool;
import com.openai.models.chat.completions.ChatCompletionMessageFunctionToolCall;
import com.openai.models.chat.completions.ChatCompletionNamedToolChoice;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.chat.completions.ChatCompletionToolChoiceOption;
import com.openai.models.chat.completions.ChatCompletionToolMessageParam;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.recipe.ServeRun;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** OpenAI's own Java client against the server, on the embedded checkpoint. */
class OpenAiClientTest {
  private static final String MODEL = "embedded";
  private static final String QUESTION = "Over 23 days, how is the weather in Lima";

  private static ServeRun run;
  private static OpenAIClient client;

  private static ServeRun start(String... settings) {
    List<String> all = new ArrayList<>(List.of("port=0", "num_threads=1", "log_requests=false"));
    all.addAll(List.of(settings));
    return ServeRun.start(
        ConfigLoader.SERVE.load(null, all),
        new PrintStream(System.err, true, StandardCharsets.UTF_8));
  }

  private static OpenAIClient client(ServeRun server, String key) {
    return OpenAIOkHttpClient.builder().baseUrl(server.baseUrl()).apiKey(key).maxRetries(0).build();
  }

  @BeforeAll
  static void serve() {
    run = start("max_batch_size=16");
    client = client(run, "none");
  }

  @AfterAll
  static void stop() {
    client.close();
    run.close();
  }

  private static ChatCompletionCreateParams.Builder chat(String message) {
    return ChatCompletionCreateParams.builder()
        .model(MODEL)
        .temperature(0.0)
        .addUserMessage(message);
  }

  /** OpenAI deprecates seeds; evaluations live on them. */
  @SuppressWarnings("deprecation")
  private static ChatCompletionCreateParams.Builder seeded(
      ChatCompletionCreateParams.Builder params, long seed) {
    return params.seed(seed);
  }

  private static ChatCompletionFunctionTool tool(String name, String... parameters) {
    Map<String, Object> properties = new LinkedHashMap<>();
    for (String parameter : parameters) {
      properties.put(parameter, Map.of("type", "string"));
    }
    return ChatCompletionFunctionTool.builder()
        .function(
            FunctionDefinition.builder()
                .name(name)
                .parameters(
                    FunctionParameters.builder()
                        .putAdditionalProperty("type", JsonValue.from("object"))
                        .putAdditionalProperty("properties", JsonValue.from(properties))
                        .build())
                .build())
        .build();
  }

  private static ChatCompletionCreateParams.Builder withTools(
      ChatCompletionCreateParams.Builder params) {
    return params
        .addTool(tool("set_alarm", "hour", "minute"))
        .addTool(tool("get_weather", "city", "days"))
        .addTool(tool("start_timer", "minutes", "seconds"));
  }

  private static String content(ChatCompletion completion) {
    return completion.choices().get(0).message().content().orElse("");
  }

  private static String reason(ChatCompletion completion) {
    return completion.choices().get(0).finishReason().toString();
  }

  private static ChatCompletion send(ChatCompletionCreateParams.Builder params) {
    return client.chat().completions().create(params.build());
  }

  private static ChatCompletion stream(ChatCompletionCreateParams.Builder params) {
    ChatCompletionAccumulator whole = ChatCompletionAccumulator.create();
    ChatCompletionCreateParams withUsage =
        params
            .streamOptions(ChatCompletionStreamOptions.builder().includeUsage(true).build())
            .build();
    try (StreamResponse<ChatCompletionChunk> chunks =
        client.chat().completions().createStreaming(withUsage)) {
      chunks.stream().forEach(whole::accumulate);
    }
    return whole.chatCompletion();
  }

  @Test
  void models() {
    assertEquals(List.of(MODEL), client.models().list().data().stream().map(m -> m.id()).toList());
    assertEquals(MODEL, client.models().retrieve(MODEL).id());
    assertThrows(NotFoundException.class, () -> client.models().retrieve("gpt-5"));
  }

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

  @Test
  void streamingGivesWhatTheWholeAnswerHas() {
    ChatCompletion whole = send(withTools(chat(QUESTION)).logprobs(true).topLogprobs(3));
    ChatCompletion streamed = stream(withTools(chat(QUESTION)).logprobs(true).topLogprobs(3));
    assertEquals(content(whole), content(streamed));
    assertEquals(reason(whole), reason(streamed));
    assertEquals(
        whole.choices().get(0).message().toolCalls().orElseThrow().get(0).asFunction().function(),
        streamed
            .choices()
            .get(0)
            .message()
            .toolCalls()
            .orElseThrow()
            .get(0)
            .asFunction()
            .function());
    assertEquals(whole.usage().orElseThrow(), streamed.usage().orElseThrow());
    assertEquals(
        whole.choices().get(0).logprobs().orElseThrow().content(),
        streamed.choices().get(0).logprobs().orElseThrow().content());
  }

  @Test
  void logProbsBelongToTheContent() {
    ChatCompletion completion = send(chat(QUESTION).logprobs(true).topLogprobs(2));
    var tokens = completion.choices().get(0).logprobs().orElseThrow().content().orElseThrow();
    assertEquals(
        content(completion), tokens.stream().map(t -> t.token()).collect(Collectors.joining()));
    for (var token : tokens) {
      assertTrue(token.logprob() <= 0);
      // Greedy: the sampled token is the most likely one.
      assertEquals(token.token(), token.topLogprobs().get(0).token());
      assertEquals(token.logprob(), token.topLogprobs().get(0).logprob());
      assertEquals(2, token.topLogprobs().size());
    }
    // All but the token that ended it.
    assertEquals(tokens.size() + 1, completion.usage().orElseThrow().completionTokens());
  }

  @Test
  void seedsAndChoices() {
    ChatCompletionCreateParams.Builder params =
        chat(QUESTION).temperature(1.3).n(4).maxCompletionTokens(20);
    List<String> first = texts(send(seeded(params, 5)));
    assertEquals(4, first.size());
    assertTrue(first.stream().distinct().count() > 1, first.toString());
    assertEquals(first, texts(send(seeded(params, 5))));
    assertFalse(first.equals(texts(send(seeded(params, 6)))));
  }

  private static List<String> texts(ChatCompletion completion) {
    return completion.choices().stream().map(c -> c.message().content().orElse("")).toList();
  }

  /** The stop text lies across tokens and is not part of the answer. */
  @Test
  void stopTextsAndLengthLimits() {
    String text = content(send(chat(QUESTION)));
    ChatCompletion stopped = send(chat(QUESTION).stop("_weather</th"));
    assertEquals(text.substring(0, text.indexOf("_weather</th")), content(stopped));
    assertEquals("stop", reason(stopped));
    ChatCompletion both = send(chat(QUESTION).stopOfStrings(List.of("name", "</think>")));
    assertEquals(text.substring(0, text.indexOf("</think>")), content(both));
    ChatCompletion cut = send(chat(QUESTION).maxCompletionTokens(3));
    assertEquals("length", reason(cut));
    assertEquals(3, cut.usage().orElseThrow().completionTokens());
    assertTrue(text.startsWith(content(cut)));
  }

  @Test
  void plainCompletions() {
    String prompt = "<|im_start|>user\n" + QUESTION + "<|im_end|>\n<|im_start|>assistant\n";
    Completion completion =
        client
            .completions()
            .create(
                CompletionCreateParams.builder()
                    .model(MODEL)
                    .prompt(prompt)
                    .temperature(0.0)
                    .maxTokens(100)
                    .logprobs(1)
                    .build());
    String chat = content(send(chat(QUESTION)));
    assertEquals(chat, completion.choices().get(0).text());
    var logProbs = completion.choices().get(0).logprobs().orElseThrow();
    List<String> tokens = logProbs.tokens().orElseThrow();
    List<Long> offsets = logProbs.textOffset().orElseThrow();
    assertEquals(chat, String.join("", tokens));
    for (int i = 0; i < tokens.size(); i++) {
      assertTrue(chat.startsWith(tokens.get(i), offsets.get(i).intValue()), tokens.get(i));
    }
  }

  @Test
  void errorsAreOpenAis() {
    BadRequestException wrong =
        assertThrows(BadRequestException.class, () -> send(chat("a").temperature(3.0)));
    assertEquals("temperature", wrong.param().orElse(""));
    assertEquals("invalid_request_error", wrong.type().orElse(""));
    BadRequestException tooLong =
        assertThrows(BadRequestException.class, () -> send(chat("days ".repeat(600))));
    assertEquals("context_length_exceeded", tooLong.code().orElse(""));
    assertThrows(NotFoundException.class, () -> send(chat("a").model("gpt-5")));
    assertThrows(
        BadRequestException.class,
        () -> send(chat("a").toolChoice(ChatCompletionToolChoiceOption.Auto.REQUIRED)));
    assertThrows(
        BadRequestException.class,
        () -> send(withTools(chat("a")).toolChoice(named("send_money"))));
  }

  private static ChatCompletionNamedToolChoice named(String function) {
    return ChatCompletionNamedToolChoice.builder()
        .function(ChatCompletionNamedToolChoice.Function.builder().name(function).build())
        .build();
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

  /** Every choice of a stream opens with a role and has its own call. */
  @Test
  void choicesOfAStreamAreKeptApart() {
    ChatCompletion whole = send(threeChoices());
    ChatCompletion streamed = stream(threeChoices());
    assertEquals(3, whole.choices().size());
    assertEquals(texts(whole), texts(streamed));
    assertEquals(reasons(whole), reasons(streamed));
  }

  private static ChatCompletionCreateParams.Builder threeChoices() {
    return seeded(withTools(chat(QUESTION)).temperature(0.7).n(3), 4).logprobs(true);
  }

  private static List<String> reasons(ChatCompletion completion) {
    return completion.choices().stream().map(c -> c.finishReason().toString()).toList();
  }

  /** What an evaluation of likelihoods asks for: the prompt's own log-probabilities. */
  @Test
  void echoScoresThePrompt() {
    String prompt = "<|im_start|>user\n" + QUESTION + "<|im_end|>\n<|im_start|>assistant\n";
    CompletionCreateParams.Builder params =
        CompletionCreateParams.builder().model(MODEL).temperature(0.0).logprobs(1);
    var sampled =
        client.completions().create(params.prompt(prompt).maxTokens(12).build()).choices().get(0);
    String whole = prompt + sampled.text();
    var echoed =
        client
            .completions()
            .create(
                params
                    .prompt(whole)
                    .maxTokens(0)
                    .echo(true)
                    .putAdditionalBodyProperty("skip_special_tokens", JsonValue.from(false))
                    .build());
    assertEquals(whole, echoed.choices().get(0).text());
    assertEquals(0, echoed.usage().orElseThrow().completionTokens());
    var expected = sampled.logprobs().orElseThrow();
    var scored = echoed.choices().get(0).logprobs().orElseThrow();
    List<String> tokens = scored.tokens().orElseThrow();
    int first = tokens.size() - expected.tokens().orElseThrow().size();
    assertEquals(expected.tokens().orElseThrow(), tokens.subList(first, tokens.size()));
    for (int i = first; i < tokens.size(); i++) {
      assertEquals(
          expected.tokenLogprobs().orElseThrow().get(i - first),
          scored.tokenLogprobs().orElseThrow().get(i),
          1e-4);
      assertTrue(
          whole.startsWith(tokens.get(i), scored.textOffset().orElseThrow().get(i).intValue()));
    }
  }

  @Test
  void keysAndOverload() {
    try (ServeRun small = start("api_key=k", "max_batch_size=1", "max_queue=0")) {
      OpenAIClient stranger = client(small, "x");
      assertThrows(UnauthorizedException.class, () -> stranger.models().list());
      OpenAIClient friend = client(small, "k");
      ChatCompletionCreateParams.Builder params =
          chat(QUESTION).putAdditionalBodyProperty("logit_bias", JsonValue.from(Map.of("97", 100)));
      try (StreamResponse<ChatCompletionChunk> running =
          friend.chat().completions().createStreaming(params.build())) {
        assertTrue(running.stream().findFirst().isPresent());
        assertThrows(
            RateLimitException.class,
            () -> friend.chat().completions().create(chat(QUESTION).build()));
      }
      stranger.close();
      friend.close();
    }
  }

  /** Sixteen at a time, joining and leaving each other's batches, give what each gives alone. */
  @Test
  void concurrentRequestsGiveWhatTheyGiveAlone() {
    List<ChatCompletionCreateParams.Builder> requests =
        IntStream.range(0, 16)
            .mapToObj(
                i ->
                    i % 2 == 0
                        ? chat("Over %d days, how is the weather in Lima".formatted(10 + i))
                        : seeded(chat("Wake me at %d".formatted(i)).temperature(1.0), i))
            .toList();
    List<String> alone = requests.stream().map(r -> content(send(r))).toList();
    assertTrue(alone.stream().distinct().count() > 8, alone.toString());
    for (int round = 0; round < 3; round++) {
      List<CompletableFuture<String>> together =
          requests.stream()
              .map(
                  r ->
                      client
                          .async()
                          .chat()
                          .completions()
                          .create(r.build())
                          .thenApply(c -> content(c)))
              .toList();
      assertEquals(alone, together.stream().map(CompletableFuture::join).toList());
    }
  }
}
