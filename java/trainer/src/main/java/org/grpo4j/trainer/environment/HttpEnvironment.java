package org.grpo4j.trainer.environment;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.grpo4j.trainer.data.Example;

/**
 * A user's tools behind URLs: a call is a POST of its arguments as JSON, the response's text is
 * what the model is shown.
 *
 * <p>A connection that fails and a status of 429 or 5xx are tried again with growing delays; what
 * fails for good, any other status that is not 2xx and an unknown tool become the call's output. A
 * timeout is not tried again: the tool may have acted.
 *
 * <p>A conversation counts as done when the model's last turn (what stands in its response tags,
 * where it has them) equals the row's answer, upper and lower case and blanks aside. Other
 * judgements are the user's reward functions, which see the whole conversation.
 */
public final class HttpEnvironment implements ToolEnvironment {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpOptions options;
  private final HttpTools tools;
  private final HttpClient client;

  /**
   * @throws org.grpo4j.torch.InputException the file of tools is missing or malformed
   */
  public HttpEnvironment(HttpOptions options) {
    this.options = options;
    this.tools = HttpTools.read(options.tools(), options.baseUrl());
    this.client = HttpClient.newBuilder().connectTimeout(options.timeout()).build();
  }

  @Override
  public List<Map<String, Object>> tools() {
    return tools.signatures();
  }

  @Override
  public World open(Example example, long seed) {
    return new World() {
      @Override
      public ToolResult call(ToolCall call) {
        return HttpEnvironment.this.call(call);
      }

      @Override
      public Outcome outcome(List<AssistantTurn> turns, Ending ending) {
        String said = turns.get(turns.size() - 1).text();
        return Outcome.of(
            ending == Ending.ANSWERED
                && plain(answer(said)).equals(plain(answer(example.answer()))));
      }
    };
  }

  private static String answer(String text) {
    int open = text.lastIndexOf("<response>");
    int close = text.lastIndexOf("</response>");
    if (open >= 0 && close > open) {
      return text.substring(open + "<response>".length(), close);
    }
    int thought = text.lastIndexOf("</think>");
    return thought < 0 ? text : text.substring(thought + "</think>".length());
  }

  private static String plain(String text) {
    return text.strip().replaceAll("\\s+", " ").toLowerCase(Locale.ROOT);
  }

  private ToolResult call(ToolCall call) {
    URI url = tools.urls().get(call.name());
    if (url == null) {
      return ToolResult.failure(
          "no tool "
              + call.name()
              + "; there are "
              + tools.urls().keySet().stream().sorted().toList());
    }
    HttpRequest request =
        HttpRequest.newBuilder(url)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(json(call)))
            .build();
    ToolResult result = ToolResult.failure("not tried");
    for (int attempt = 0; attempt <= options.maxRetries(); attempt++) {
      if (attempt > 0) {
        pause(options.retryDelay().toMillis() << (attempt - 1));
      }
      Attempt made = attempt(request);
      result = made.result();
      if (!made.again()) {
        return result;
      }
    }
    return result;
  }

  /**
   * @param again whether another attempt may help
   */
  private record Attempt(ToolResult result, boolean again) {}

  private Attempt attempt(HttpRequest request) {
    // The request's own timeout ends with the headers; this one covers the body too.
    CompletableFuture<HttpResponse<byte[]>> exchange =
        client.sendAsync(request, info -> new LimitedBody(options.maxOutputBytes()));
    try {
      return judged(exchange.get(options.timeout().toMillis(), TimeUnit.MILLISECONDS));
    } catch (TimeoutException e) {
      exchange.cancel(true);
      return new Attempt(
          ToolResult.failure("no answer within " + options.timeout().toMillis() + " ms"), false);
    } catch (ExecutionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      String message = cause.getMessage();
      return new Attempt(
          ToolResult.failure("not reachable" + (message == null ? "" : ": " + message)), true);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while a tool was called", e);
    }
  }

  private static Attempt judged(HttpResponse<byte[]> response) {
    String body = new String(response.body(), StandardCharsets.UTF_8);
    int status = response.statusCode();
    if (status >= 200 && status < 300) {
      return new Attempt(ToolResult.of(body), false);
    }
    String what = "status " + status + (body.isBlank() ? "" : ": " + body.strip());
    return new Attempt(ToolResult.failure(what), status == 429 || status >= 500);
  }

  private static String json(ToolCall call) {
    try {
      return JSON.writeValueAsString(call.arguments());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("arguments out of JSON have no JSON form", e);
    }
  }

  private static void pause(long milliseconds) {
    try {
      Thread.sleep(milliseconds);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while a tool was called", e);
    }
  }
}
