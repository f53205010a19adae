package org.grpo4j.trainer.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Context;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.io.PrintStream;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The answer to one HTTP request. All of its state belongs to the event loop. */
final class HttpAnswer implements AnswerSink {
  private static final int RETRY_AFTER_SECONDS = 1;

  private final HttpServerRequest request;
  private final HttpServerResponse response;
  private final Context context;
  private final @Nullable PrintStream log;
  private final long start = System.nanoTime();
  private Runnable whenGone = () -> {};
  private boolean gone;
  private String tokens = "";

  /**
   * @param log where a line about the request goes; null: nowhere
   */
  HttpAnswer(HttpServerRequest request, Context context, @Nullable PrintStream log) {
    this.request = request;
    this.context = context;
    this.log = log;
    response = request.response();
    // Called where the connection goes before the response has ended.
    response.closeHandler(nothing -> clientHasGone());
    response.exceptionHandler(failure -> clientHasGone());
  }

  private void clientHasGone() {
    if (!gone && !response.ended()) {
      gone = true;
      whenGone.run();
      log("client gone");
    }
  }

  /** What to do when the client hangs up before its answer is complete. From any thread. */
  void whenGone(Runnable action) {
    context.runOnContext(
        nothing -> {
          whenGone = action;
          if (gone) {
            action.run();
          }
        });
  }

  @Override
  public void json(ObjectNode body) {
    onLoop(() -> end(200, body));
  }

  @Override
  public void event(ObjectNode body) {
    String line = "data: " + body + "\n\n";
    onLoop(
        () -> {
          openStream();
          response.write(line);
        });
  }

  private void openStream() {
    if (!response.headWritten()) {
      response.setChunked(true);
      response.putHeader("Content-Type", "text/event-stream; charset=utf-8");
      response.putHeader("Cache-Control", "no-cache");
    }
  }

  @Override
  public void endOfEvents() {
    onLoop(
        () -> {
          openStream();
          response.end("data: [DONE]\n\n");
          log(Integer.toString(response.getStatusCode()));
        });
  }

  @Override
  public void fail(ApiException failure) {
    onLoop(
        () -> {
          if (!response.headWritten()) {
            if (failure.status() == 429 || failure.status() == 503) {
              response.putHeader("Retry-After", Integer.toString(RETRY_AFTER_SECONDS));
            } else if (failure.status() == 401) {
              response.putHeader("WWW-Authenticate", "Bearer");
            }
            end(failure.status(), failure.body());
          } else {
            // Too late for a status: the error is the last event.
            response.end("data: " + failure.body() + "\n\n");
            log(failure.status() + " in the stream");
          }
        });
  }

  private void end(int status, ObjectNode body) {
    response.setStatusCode(status);
    response.putHeader("Content-Type", "application/json; charset=utf-8");
    response.end(body.toString());
    log(Integer.toString(status));
  }

  @Override
  public void tokens(int prompt, int completion) {
    onLoop(() -> tokens = ", %d + %d tokens".formatted(prompt, completion));
  }

  private void onLoop(Runnable action) {
    context.runOnContext(
        nothing -> {
          if (!gone && !response.ended()) {
            action.run();
          }
        });
  }

  private void log(String outcome) {
    if (log != null) {
      double seconds = (System.nanoTime() - start) / 1e9;
      log.println(
          String.format(
              Locale.ROOT,
              "%s %s %s%s, %.2f s",
              request.method(),
              request.path(),
              outcome,
              tokens,
              seconds));
    }
  }
}
