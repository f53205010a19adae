package org.grpo4j.trainer.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.fixtures.TinyCheckpoint;
import org.grpo4j.trainer.recipe.ServeRun;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The server over plain HTTP: what no client library would send, load, and the end. */
class CompletionServerTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final int SECONDS = 120;

  /** Stops at nothing that it writes: a request runs as long as it says. */
  private static final String LONG =
      "\"logit_bias\": {\"97\": 100}, \"temperature\": 0, \"max_tokens\": ";

  @TempDir Path folder;
  private final ByteArrayOutputStream log = new ByteArrayOutputStream();
  private final HttpClient client = HttpClient.newHttpClient();
  private Path checkpoint;

  @BeforeEach
  void makeCheckpoint() throws IOException {
    checkpoint = TinyCheckpoint.write(folder.resolve("tiny"), 3);
  }

  private ServeRun start(String... settings) {
    List<String> all =
        new ArrayList<>(List.of("model_name_or_path=" + checkpoint, "port=0", "num_threads=1"));
    all.addAll(Arrays.asList(settings));
    return ServeRun.start(
        ConfigLoader.SERVE.load(null, all), new PrintStream(log, true, StandardCharsets.UTF_8));
  }

  private static HttpRequest.Builder request(ServeRun run, String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + run.port() + path));
  }

  private static HttpRequest post(ServeRun run, String path, String body) {
    return request(run, path)
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
  }

  private HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
    return client.send(request, HttpResponse.BodyHandlers.ofString());
  }

  private HttpResponse<String> complete(ServeRun run, String fields)
      throws IOException, InterruptedException {
    return send(post(run, "/v1/completions", "{\"model\": \"tiny\", " + fields + "}"));
  }

  private CompletableFuture<HttpResponse<String>> completeLater(ServeRun run, String fields) {
    return client.sendAsync(
        post(run, "/v1/completions", "{\"model\": \"tiny\", " + fields + "}"),
        HttpResponse.BodyHandlers.ofString());
  }

  private static void assertError(HttpResponse<String> response, int status, String... words)
      throws IOException {
    assertEquals(status, response.statusCode(), response.body());
    JsonNode error = MAPPER.readTree(response.body()).path("error");
    for (String field : List.of("message", "type", "param", "code")) {
      assertTrue(error.has(field), response.body());
    }
    for (String word : words) {
      assertTrue(response.body().contains(word), () -> word + " is not in " + response.body());
    }
  }

  private static void awaitUnfinished(ServeRun run, int wanted) throws InterruptedException {
    for (int i = 0; i < SECONDS * 100 && run.unfinished() != wanted; i++) {
      Thread.sleep(10);
    }
    assertEquals(wanted, run.unfinished(), "sequences that run or wait");
  }

  /**
   * Until a request runs, or has already ended and left its line: a few hundred tokens take less
   * than this thread may have to wait for its turn.
   */
  private void awaitBegun(ServeRun run, int logged) throws InterruptedException {
    for (int i = 0; i < SECONDS * 100 && run.unfinished() == 0 && log.size() == logged; i++) {
      Thread.sleep(10);
    }
    assertTrue(run.unfinished() > 0 || log.size() > logged, "no request came");
  }

  @Test
  void pathsMethodsAndBodiesThatAreWrong() throws IOException, InterruptedException {
    try (ServeRun run = start("max_body_mib=1")) {
      assertEquals(200, send(request(run, "/health").build()).statusCode());
      assertError(send(request(run, "/v1/nothing").build()), 404, "/v1/nothing");
      assertError(send(request(run, "/v1/completions").build()), 405);
      assertError(send(request(run, "/v1/models/other").build()), 404, "model_not_found");
      assertError(send(post(run, "/v1/completions", "{\"model\": ")), 400, "JSON");
      assertError(send(post(run, "/v1/completions", "[]")), 400, "object");
      assertError(send(post(run, "/v1/completions", "")), 400, "object");
      assertError(
          send(
              request(run, "/v1/completions")
                  .header("Content-Type", "text/plain")
                  .POST(HttpRequest.BodyPublishers.ofString("{}"))
                  .build()),
          400,
          "Content-Type");
      assertError(send(post(run, "/v1/completions", " ".repeat(2 << 20))), 413, "1048576");
      // And it goes on.
      assertEquals(200, complete(run, "\"prompt\": \"a\", \"max_tokens\": 1").statusCode());
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'prompt' | \"prompt\": {}",
        "'prompt' | \"prompt\": []",
        "prompt | \"prompt\": [1, 99999]",
        "n | \"prompt\": \"a\", \"n\": 0",
        "n | \"prompt\": \"a\", \"n\": 1.5",
        "temperature | \"prompt\": \"a\", \"temperature\": 2.1",
        "top_p | \"prompt\": \"a\", \"top_p\": \"high\"",
        "stop | \"prompt\": \"a\", \"stop\": [\"a\", \"\"]",
        "stop | \"prompt\": \"a\", \"stop\": 7",
        "seed | \"prompt\": \"a\", \"seed\": 0.5",
        "stream | \"prompt\": \"a\", \"stream\": 1",
        "stream_options | \"prompt\": \"a\", \"stream_options\": {\"include_usage\": true}",
        "logprobs | \"prompt\": \"a\", \"logprobs\": 6",
        "echo | \"prompt\": \"a\", \"echo\": 1",
        "suffix | \"prompt\": \"a\", \"suffix\": \"b\"",
        "best_of | \"prompt\": \"a\", \"best_of\": 2",
        "logit_bias | \"prompt\": \"a\", \"logit_bias\": {\"x\": 1}",
        "logit_bias.5 | \"prompt\": \"a\", \"logit_bias\": {\"5\": 101}",
        "presence_penalty | \"prompt\": \"a\", \"presence_penalty\": -3",
        "guided_json | \"prompt\": \"a\", \"guided_json\": {\"type\": \"object\"}",
        "max_tokens | \"prompt\": \"a\", \"max_tokens\": 0",
      })
  void fieldsThatAreWrongAreNamed(String name, String fields)
      throws IOException, InterruptedException {
    try (ServeRun run = start()) {
      assertError(complete(run, fields), 400, "invalid_request_error", name);
    }
  }

  @Test
  void whatDoesNotFitIsRefused() throws IOException, InterruptedException {
    try (ServeRun run = start("max_context_length=40", "max_batch_size=2", "max_queue=1")) {
      assertError(
          complete(run, "\"prompt\": \"a\", \"max_tokens\": 40"), 400, "context_length_exceeded");
      assertError(
          send(
              post(
                  run,
                  "/v1/chat/completions",
                  "{\"model\": \"tiny\", \"messages\": [{\"role\": \"user\", \"content\": \""
                      + "why ".repeat(60)
                      + "\"}]}")),
          400,
          "context_length_exceeded",
          "messages");
      assertError(complete(run, "\"prompt\": \"a\", \"n\": 3"), 400, "lower n");
      assertError(complete(run, "\"prompt\": [\"a\", \"b\", \"c\", \"d\"]"), 400, "split it");
    }
  }

  @Test
  void namesWithSlashesAreFoundEscapedOrNot() throws IOException, InterruptedException {
    try (ServeRun run = start("served_model_name=Org/my+model")) {
      for (String name : List.of("Org/my+model", "Org%2Fmy%2Bmodel")) {
        assertEquals(200, send(request(run, "/v1/models/" + name).build()).statusCode(), name);
      }
      String body = "{\"model\": \"%s\", \"prompt\": \"a\", \"max_tokens\": 1}";
      for (String name : List.of("Org/my+model", checkpoint.toString())) {
        assertEquals(
            200, send(post(run, "/v1/completions", body.formatted(name))).statusCode(), name);
      }
    }
  }

  @Test
  void keysAreChecked() throws IOException, InterruptedException {
    try (ServeRun run = start("api_key=secret")) {
      assertError(send(request(run, "/v1/models").build()), 401, "invalid_api_key");
      HttpRequest wrong =
          request(run, "/v1/models").header("Authorization", "Bearer secre").build();
      assertError(send(wrong), 401, "invalid_api_key");
      HttpRequest right =
          request(run, "/v1/models").header("Authorization", "Bearer secret").build();
      assertEquals(200, send(right).statusCode());
      assertEquals(200, send(request(run, "/health").build()).statusCode());
    }
  }

  /**
   * One place and 31 that wait, for two requests of sixteen sequences: a third is refused until the
   * first has ended, which takes seconds, and a hang-up makes room again.
   */
  @Test
  void overloadIs429AndAClientThatGoesMakesRoom() throws IOException, InterruptedException {
    try (ServeRun run = start("max_batch_size=1", "max_queue=31")) {
      String prompts = "\"prompt\": " + Collections.nCopies(16, "\"a\"");
      String body = "{\"model\": \"tiny\", " + prompts + ", " + LONG + "400}";
      String head =
          "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
              + "Content-Length: "
              + body.length()
              + "\r\n\r\n";
      try (Socket first = new Socket(InetAddress.getLoopbackAddress(), run.port());
          Socket second = new Socket(InetAddress.getLoopbackAddress(), run.port())) {
        for (Socket socket : List.of(first, second)) {
          socket.getOutputStream().write((head + body).getBytes(StandardCharsets.US_ASCII));
          socket.getOutputStream().flush();
        }
        for (int i = 0; i < SECONDS * 100 && run.unfinished() <= 16; i++) {
          Thread.sleep(10);
        }
        assertTrue(run.unfinished() > 16, "the second request did not come in time");
        HttpResponse<String> refused = complete(run, prompts);
        assertError(refused, 429, "rate_limit_exceeded");
        assertEquals("1", refused.headers().firstValue("Retry-After").orElse(""));
      }
      awaitUnfinished(run, 0);
      assertEquals(200, complete(run, "\"prompt\": \"a\", \"max_tokens\": 2").statusCode());
      assertTrue(log.toString(StandardCharsets.UTF_8).contains("client gone"));
    }
  }

  /** Draining refuses new requests and lets the one that runs end; close cuts the rest off. */
  @Test
  void drainingLetsRequestsEnd() throws Exception {
    try (ServeRun run = start("drain_seconds=" + SECONDS)) {
      int logged = log.size();
      CompletableFuture<HttpResponse<String>> running =
          completeLater(run, "\"prompt\": \"a\", \"n\": 4, " + LONG + "100");
      awaitBegun(run, logged);
      run.drain();
      HttpResponse<String> response = running.get(SECONDS, TimeUnit.SECONDS);
      assertEquals(200, response.statusCode(), response.body());
      assertEquals(400, MAPPER.readTree(response.body()).at("/usage/completion_tokens").asInt());
    }
  }

  @Test
  void eventsAndTheWholeAnswerAreTheSame() throws IOException, InterruptedException {
    try (ServeRun run = start()) {
      String fields =
          "\"prompt\": [\"one\", [97, 98]], \"n\": 2, \"seed\": 9, \"max_tokens\": 24,"
              + " \"logprobs\": 1";
      JsonNode whole = MAPPER.readTree(complete(run, fields).body());
      HttpResponse<String> response =
          complete(
              run, fields + ", \"stream\": true, \"stream_options\": {\"include_usage\": true}");
      List<String> events = response.body().lines().filter(line -> !line.isEmpty()).toList();
      assertEquals("data: [DONE]", events.get(events.size() - 1));
      String[] texts = {"", "", "", ""};
      int[] tokens = new int[4];
      JsonNode usage = MAPPER.missingNode();
      for (String event : events.subList(0, events.size() - 1)) {
        JsonNode json = MAPPER.readTree(event.substring("data: ".length()));
        for (JsonNode choice : json.get("choices")) {
          texts[choice.get("index").asInt()] += choice.get("text").asText();
          tokens[choice.get("index").asInt()] += choice.at("/logprobs/tokens").size();
        }
        usage = json.get("usage");
      }
      assertEquals(whole.get("usage"), usage);
      for (int i = 0; i < texts.length; i++) {
        assertEquals(whole.at("/choices/" + i + "/text").asText(), texts[i]);
        assertEquals(whole.at("/choices/" + i + "/logprobs/tokens").size(), tokens[i]);
        String joined = "";
        for (JsonNode token : whole.at("/choices/" + i + "/logprobs/tokens")) {
          joined += token.asText();
        }
        assertTrue(joined.contains("\uFFFD") || joined.equals(texts[i]), joined);
      }
    }
  }

  /** The prompt before each completion, in the text and in the lists of tokens. */
  @Test
  void echoComesBeforeEveryCompletion() throws IOException, InterruptedException {
    try (ServeRun run = start()) {
      String fields =
          "\"prompt\": \"one two\", \"n\": 2, \"seed\": 3, \"max_tokens\": 5, \"logprobs\": 2";
      JsonNode plain = MAPPER.readTree(complete(run, fields).body());
      JsonNode echoed = MAPPER.readTree(complete(run, fields + ", \"echo\": true").body());
      assertEquals(plain.get("usage"), echoed.get("usage"));
      int prompt = plain.at("/usage/prompt_tokens").asInt();
      for (int i = 0; i < 2; i++) {
        JsonNode choice = echoed.at("/choices/" + i);
        JsonNode without = plain.at("/choices/" + i);
        assertEquals("one two" + without.get("text").asText(), choice.get("text").asText());
        JsonNode logProbs = choice.get("logprobs");
        assertTrue(logProbs.at("/token_logprobs/0").isNull(), "nothing comes before it");
        assertTrue(logProbs.at("/top_logprobs/0").isNull());
        assertEquals(2, logProbs.at("/top_logprobs/1").size());
        assertEquals(without.at("/logprobs/tokens").size() + prompt, logProbs.get("tokens").size());
        assertEquals(
            without.at("/logprobs/token_logprobs/0"), logProbs.at("/token_logprobs/" + prompt));
        assertEquals(7, logProbs.at("/text_offset/" + prompt).asInt());
      }
      HttpResponse<String> stream = complete(run, fields + ", \"echo\": true, \"stream\": true");
      String[] texts = {"", ""};
      for (String event : stream.body().lines().filter(l -> l.startsWith("data: {")).toList()) {
        for (JsonNode choice : MAPPER.readTree(event.substring(6)).get("choices")) {
          texts[choice.get("index").asInt()] += choice.get("text").asText();
        }
      }
      assertEquals(echoed.at("/choices/0/text").asText(), texts[0]);
      assertEquals(echoed.at("/choices/1/text").asText(), texts[1]);
    }
  }

  /** One that reads nothing and one that never ends its body hold nobody up. */
  @Test
  void slowClientsHoldNobodyUp() throws IOException, InterruptedException {
    try (ServeRun run = start()) {
      int logged = log.size();
      String body = "{\"model\": \"tiny\", \"prompt\": \"a\", \"stream\": true, " + LONG + "300}";
      String head =
          "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
              + "Content-Length: ";
      try (Socket deaf = new Socket();
          Socket unfinished = new Socket(InetAddress.getLoopbackAddress(), run.port())) {
        deaf.setReceiveBufferSize(1024);
        deaf.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), run.port()));
        send(deaf, head + body.length() + "\r\n\r\n" + body);
        send(unfinished, head + "500\r\n\r\n{\"model\": ");
        awaitBegun(run, logged);
        assertEquals(200, complete(run, "\"prompt\": \"a\", \"max_tokens\": 2").statusCode());
        awaitUnfinished(run, 0);
      }
      assertEquals(200, complete(run, "\"prompt\": \"a\", \"max_tokens\": 2").statusCode());
    }
  }

  /** Half a head, half a body, and a connection that is not used any more: each is closed. */
  @Test
  void clientsThatKeepTheServerWaitingAreCutOff() throws IOException, InterruptedException {
    try (ServeRun run = start("client_timeout_seconds=4");
        Socket head = new Socket(InetAddress.getLoopbackAddress(), run.port());
        Socket body = new Socket(InetAddress.getLoopbackAddress(), run.port());
        Socket unused = new Socket(InetAddress.getLoopbackAddress(), run.port());
        Socket running = new Socket(InetAddress.getLoopbackAddress(), run.port())) {
      String post =
          "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
              + "Content-Length: ";
      String whole = "{\"model\": \"tiny\", \"prompt\": \"a\", " + LONG + "400}";
      send(running, post + whole.length() + "\r\n\r\n" + whole);
      send(head, post);
      send(body, post + "500\r\n\r\n{\"model\": ");
      send(unused, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
      assertEquals("", readAll(head));
      String answer = readAll(body);
      assertTrue(answer.startsWith("HTTP/1.1 408"), answer);
      assertTrue(answer.contains("client_timeout_seconds"), answer);
      assertTrue(readAll(unused).startsWith("HTTP/1.1 200"));
      // However long an answer takes, its client has done its part.
      assertTrue(readAll(running).contains("\"completion_tokens\":400"));
    }
  }

  /** Until the server closes. */
  private static String readAll(Socket socket) throws IOException {
    socket.setSoTimeout(SECONDS * 1000);
    return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  private static void send(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    socket.getOutputStream().flush();
  }

  /** A client that goes in the middle of a stream frees its place. */
  @Test
  void aStreamThatNobodyReadsAnyMoreEnds() throws IOException, InterruptedException {
    try (ServeRun run = start("max_batch_size=1", "max_queue=0")) {
      String body = "{\"model\": \"tiny\", \"prompt\": \"a\", \"stream\": true, " + LONG + "400}";
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), run.port())) {
        send(
            socket,
            "POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                + "Content-Length: "
                + body.length()
                + "\r\n\r\n"
                + body);
        assertTrue(socket.getInputStream().read() > 0, "it has begun");
      }
      awaitUnfinished(run, 0);
      assertEquals(200, complete(run, "\"prompt\": \"a\", \"max_tokens\": 2").statusCode());
    }
  }

  @Test
  void unknownFieldsAreIgnoredAndTheNewerLengthLimitWins()
      throws IOException, InterruptedException {
    try (ServeRun run = start()) {
      String chat =
          "{\"model\": \"tiny\", \"messages\": [{\"role\": \"user\", \"content\": \"a\"}], "
              + "\"user\": \"me\", \"store\": true, \"metadata\": {\"a\": \"b\"}, "
              + LONG
              + "9, \"max_completion_tokens\": 4}";
      JsonNode answer = MAPPER.readTree(send(post(run, "/v1/chat/completions", chat)).body());
      assertEquals(4, answer.at("/usage/completion_tokens").asInt(), answer.toString());
      assertEquals("length", answer.at("/choices/0/finish_reason").asText());
    }
  }
}
