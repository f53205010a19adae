package org.grpo4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.openai.client.OpenAIClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionToolChoiceOption;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.grpo4j.trainer.recipe.ServeRun;
import org.junit.jupiter.api.Test;

/** OpenAI's own Java client against the server, on the embedded checkpoint. */
class OpenAiClientTest extends OpenAiClientFixture {
  @Test
  void models() {
    assertEquals(List.of(MODEL), client.models().list().data().stream().map(m -> m.id()).toList());
    assertEquals(MODEL, client.models().retrieve(MODEL).id());
    assertThrows(NotFoundException.class, () -> client.models().retrieve("gpt-5"));
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
