package org.grpo4j.trainer.environment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.data.Example;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HttpEnvironmentTest {
  @TempDir Path folder;
  private final AtomicInteger requests = new AtomicInteger();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final AtomicBoolean waitedOut = new AtomicBoolean();
  private final HttpServer server;

  HttpEnvironmentTest() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
  }

  /** What a tool of the test does with the number of its request, from 1, and the body. */
  private interface Tool {
    void answer(int request, HttpExchange exchange) throws IOException, InterruptedException;
  }

  @BeforeEach
  void start() {
    server.setExecutor(threads);
    serve(
        "/echo",
        (n, x) ->
            send(x, 200, new String(x.getRequestBody().readAllBytes(), StandardCharsets.UTF_8)));
    serve("/flaky", (n, x) -> send(x, n < 3 ? 503 : 200, "try " + n));
    serve("/broken", (n, x) -> send(x, 500, "out of order"));
    serve("/missing", (n, x) -> send(x, 404, "no such city"));
    serve(
        "/slow",
        (n, x) -> {
          waitedOut.set(!ended.await(60, TimeUnit.SECONDS));
          send(x, 200, "late");
        });
    serve(
        "/stalls",
        (n, x) -> {
          x.sendResponseHeaders(200, 10);
          x.getResponseBody().write('a');
          x.getResponseBody().flush();
          waitedOut.set(!ended.await(60, TimeUnit.SECONDS));
          x.close();
        });
    serve("/long", (n, x) -> send(x, 200, "ä".repeat(100_000)));
    serve(
        "/hangs_up",
        (n, x) -> {
          x.close();
        });
    server.start();
  }

  @AfterEach
  void stop() {
    ended.countDown();
    server.stop(0);
    threads.shutdownNow();
  }

  private void serve(String path, Tool tool) {
    server.createContext(
        path,
        exchange -> {
          try {
            tool.answer(requests.incrementAndGet(), exchange);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
  }

  private static void send(HttpExchange exchange, int status, String text) throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  private String base() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  private HttpEnvironment environment(Map<String, Object> more, String... names)
      throws IOException {
    StringBuilder tools = new StringBuilder("[");
    for (String name : names) {
      tools.append(tools.length() == 1 ? "" : ",");
      tools.append("{\"type\": \"function\", \"function\": {\"name\": \"" + name + "\"}}");
    }
    Path file = Files.writeString(folder.resolve("tools.json"), tools.append("]").toString());
    Map<String, Object> options = new LinkedHashMap<>();
    options.put("tools", file.toString());
    options.put("base_url", base());
    options.put("retry_delay_seconds", 0.01);
    options.putAll(more);
    return new HttpEnvironment(HttpOptions.of(options));
  }

  private static Example row(String answer) {
    return Example.ofText("1", "?", answer, "a test");
  }

  private ToolResult call(String name, Map<String, Object> options) throws IOException {
    try (HttpEnvironment environment = environment(options, name);
        World world = environment.open(row(""), 0)) {
      return world.call(ToolCall.of(name, Map.of("city", "Köln")));
    }
  }

  @Test
  void argumentsArePostedAsJson() throws IOException {
    assertEquals(ToolResult.of("{\"city\":\"Köln\"}"), call("echo", Map.of()));
  }

  @Test
  void passingFailuresAreTriedAgain() throws IOException {
    assertEquals(ToolResult.of("try 3"), call("flaky", Map.of()));
    assertEquals(3, requests.get());
  }

  @Test
  void lastingFailuresBecomeOutput() throws IOException {
    assertEquals(ToolResult.failure("status 500: out of order"), call("broken", Map.of()));
    assertEquals(3, requests.get());
    assertEquals(
        ToolResult.failure("status 500: out of order"), call("broken", Map.of("max_retries", 0)));
    assertEquals(4, requests.get());
  }

  @Test
  void aMistakeOfTheCallerIsNotRepeated() throws IOException {
    assertEquals(ToolResult.failure("status 404: no such city"), call("missing", Map.of()));
    assertEquals(1, requests.get());
  }

  @Test
  void timeoutsBecomeOutputAndAreNotRepeated() throws IOException {
    for (String tool : List.of("slow", "stalls")) {
      requests.set(0);
      assertEquals(
          ToolResult.failure("no answer within 3000 ms"),
          call(tool, Map.of("timeout_seconds", 3.0)));
      assertFalse(waitedOut.get(), "waited for the body of " + tool);
      assertEquals(1, requests.get());
    }
  }

  @Test
  void connectionsThatFailBecomeOutput() throws IOException {
    ToolResult dropped = call("hangs_up", Map.of());
    assertTrue(
        dropped.failed() && dropped.output().startsWith("error: not reachable"), dropped.output());
    server.stop(0);
    ToolResult refused = call("echo", Map.of("max_retries", 1));
    assertTrue(
        refused.failed() && refused.output().startsWith("error: not reachable"), refused.output());
  }

  @Test
  void longResponsesAreCut() throws IOException {
    ToolResult result = call("long", Map.of("max_output_bytes", 100));
    assertEquals(ToolResult.of("ä".repeat(50)), result);
  }

  @Test
  void unknownToolsAreNamed() throws IOException {
    try (HttpEnvironment environment = environment(Map.of(), "echo", "flaky");
        World world = environment.open(row(""), 0)) {
      assertEquals(
          ToolResult.failure("no tool sum; there are [echo, flaky]"),
          world.call(ToolCall.of("sum", Map.of())));
      assertEquals(2, environment.tools().size());
    }
  }

  @Test
  void theLastTurnIsComparedWithTheAnswer() throws IOException {
    try (HttpEnvironment environment = environment(Map.of(), "echo");
        World world = environment.open(row("Rome  is warm"), 0)) {
      for (String right :
          List.of(
              "rome is warm\n",
              "<think>Oslo?</think> Rome is warm",
              "<response>Rome is warm</response>")) {
        assertTrue(world.outcome(said(right), Ending.ANSWERED).success(), right);
      }
      assertFalse(world.outcome(said("Rome is warm, or Oslo"), Ending.ANSWERED).success());
      assertFalse(world.outcome(said("Rome is warm"), Ending.TOKEN_LIMIT).success());
    }
  }

  private static List<AssistantTurn> said(String text) {
    return List.of(new AssistantTurn(text, List.of(), List.of()));
  }

  @Test
  void aToolsOwnUrlComesFirstAndStaysOutOfItsSignature() throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("own.json"),
            "[{\"type\": \"function\", \"url\": \""
                + base()
                + "/echo\", \"function\": {\"name\": \"say\"}}]");
    try (HttpEnvironment environment =
            new HttpEnvironment(HttpOptions.of(Map.of("tools", file.toString())));
        World world = environment.open(row(""), 0)) {
      assertEquals(ToolResult.of("{}"), world.call(ToolCall.of("say", Map.of())));
      assertFalse(environment.tools().get(0).containsKey("url"));
    }
  }

  @Test
  void optionsAndFilesThatAreWrong() throws IOException {
    Path none = folder.resolve("none.json");
    Path noUrl = Files.writeString(folder.resolve("a.json"), "[{\"function\": {\"name\": \"f\"}}]");
    Path noName = Files.writeString(folder.resolve("b.json"), "[{\"name\": \"f\"}]");
    Path noList = Files.writeString(folder.resolve("c.json"), "{}");
    Path badUrl =
        Files.writeString(
            folder.resolve("d.json"), "[{\"url\": \"ftp://x\", \"function\": {\"name\": \"f\"}}]");
    for (Map<String, Object> bad :
        List.<Map<String, Object>>of(
            Map.of(),
            Map.of("tools", none.toString()),
            Map.of("tools", noUrl.toString()),
            Map.of("tools", noName.toString()),
            Map.of("tools", noList.toString()),
            Map.of("tools", badUrl.toString()),
            Map.of("tools", noUrl.toString(), "timeout", 3),
            Map.of("tools", noUrl.toString(), "timeout_seconds", "long"),
            Map.of("tools", noUrl.toString(), "timeout_seconds", 0))) {
      assertThrows(
          InputException.class, () -> new HttpEnvironment(HttpOptions.of(bad)), bad.toString());
    }
  }
}
