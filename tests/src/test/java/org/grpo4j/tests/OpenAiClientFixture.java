package org.grpo4j.tests;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionFunctionTool;
import com.openai.models.chat.completions.ChatCompletionNamedToolChoice;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.recipe.ServeRun;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The server on the embedded checkpoint, and OpenAI's own Java client for it. */
abstract class OpenAiClientFixture {
  static final String MODEL = "embedded";
  static final String QUESTION = "Over 23 days, how is the weather in Lima";

  static ServeRun run;
  static OpenAIClient client;

  static ServeRun start(String... settings) {
    List<String> all = new ArrayList<>(List.of("port=0", "num_threads=1", "log_requests=false"));
    all.addAll(List.of(settings));
    return ServeRun.start(
        ConfigLoader.SERVE.load(null, all),
        new PrintStream(System.err, true, StandardCharsets.UTF_8));
  }

  static OpenAIClient client(ServeRun server, String key) {
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

  static ChatCompletionCreateParams.Builder chat(String message) {
    return ChatCompletionCreateParams.builder()
        .model(MODEL)
        .temperature(0.0)
        .addUserMessage(message);
  }

  /** OpenAI deprecates seeds; evaluations live on them. */
  @SuppressWarnings("deprecation")
  static ChatCompletionCreateParams.Builder seeded(
      ChatCompletionCreateParams.Builder params, long seed) {
    return params.seed(seed);
  }

  static ChatCompletionFunctionTool tool(String name, String... parameters) {
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

  static ChatCompletionCreateParams.Builder withTools(ChatCompletionCreateParams.Builder params) {
    return params
        .addTool(tool("set_alarm", "hour", "minute"))
        .addTool(tool("get_weather", "city", "days"))
        .addTool(tool("start_timer", "minutes", "seconds"));
  }

  static String content(ChatCompletion completion) {
    return completion.choices().get(0).message().content().orElse("");
  }

  static String reason(ChatCompletion completion) {
    return completion.choices().get(0).finishReason().toString();
  }

  static ChatCompletion send(ChatCompletionCreateParams.Builder params) {
    return client.chat().completions().create(params.build());
  }

  static ChatCompletion stream(ChatCompletionCreateParams.Builder params) {
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

  static ChatCompletionNamedToolChoice named(String function) {
    return ChatCompletionNamedToolChoice.builder()
        .function(ChatCompletionNamedToolChoice.Function.builder().name(function).build())
        .build();
  }
}
