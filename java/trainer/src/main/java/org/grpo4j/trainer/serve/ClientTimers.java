package org.grpo4j.trainer.serve;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import java.util.HashMap;
import java.util.Map;

/**
 * Timers for clients that keep the server waiting: inside the head or the body of a request, or
 * between two of them. While an answer is made none runs. All of it belongs to the event loop.
 */
final class ClientTimers {
  private final Vertx vertx;
  private final long millis;
  private final Map<HttpConnection, Long> timers = new HashMap<>();

  ClientTimers(Vertx vertx, int seconds) {
    this.vertx = vertx;
    millis = seconds * 1000L;
  }

  /** A new connection: it is closed where no request comes. */
  void opened(HttpConnection connection) {
    start(connection, connection::close);
    connection.closeHandler(nothing -> stop(connection));
  }

  /** From now on the server waits for the client. */
  void start(HttpConnection connection, Runnable whenTooLate) {
    stop(connection);
    timers.put(
        connection,
        vertx.setTimer(
            millis,
            timer -> {
              timers.remove(connection);
              whenTooLate.run();
            }));
  }

  /** The client has done its part. */
  void stop(HttpConnection connection) {
    Long timer = timers.remove(connection);
    if (timer != null) {
      vertx.cancelTimer(timer);
    }
  }
}
