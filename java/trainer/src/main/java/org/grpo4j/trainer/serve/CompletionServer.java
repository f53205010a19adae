package org.grpo4j.trainer.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.JsonProblem;
import org.grpo4j.trainer.config.ServeConfig;

/**
 * The HTTP server: paths, bodies, keys, and who is told what. Reading a request (JSON, chat
 * template, tokens) happens on worker threads, decoding on the {@link BatchEngine}'s.
 */
public final class CompletionServer implements AutoCloseable {
  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
  private static final String CHAT = "/v1/chat/completions";
  private static final String COMPLETIONS = "/v1/completions";
  private static final String MODELS = "/v1/models";
  private static final String HEALTH = "/health";

  private final ServedModel served;
  private final ServeConfig config;
  private final PrintStream messages;
  private final long maxBodyBytes;
  private final long created = Answers.now();
  private final BatchEngine engine;
  private final Vertx vertx;
  private final ClientTimers timers;
  private final HttpServer http;
  private volatile boolean draining;

  private CompletionServer(
      ServedModel served, ServeConfig config, int cachedTokens, PrintStream messages) {
    this.served = served;
    this.config = config;
    this.messages = messages;
    maxBodyBytes = (long) config.limits().maxBodyMib() << 20;
    engine =
        new BatchEngine(served, BatchEngine.Capacity.of(config.limits(), cachedTokens), messages);
    vertx =
        Vertx.vertx(
            new VertxOptions()
                .setEventLoopPoolSize(1)
                .setWorkerPoolSize(2)
                // It would unpack class path resources into a temporary folder.
                .setFileSystemOptions(
                    new FileSystemOptions()
                        .setFileCachingEnabled(false)
                        .setClassPathResolvingEnabled(false)));
    timers = new ClientTimers(vertx, config.limits().clientTimeoutSeconds());
    http =
        vertx
            .createHttpServer(
                new HttpServerOptions()
                    .setHandle100ContinueAutomatically(true)
                    // Clients that upgrade to HTTP/2 lose what runs when the server drains.
                    .setHttp2ClearTextEnabled(false))
            .connectionHandler(timers::opened)
            .requestHandler(this::handle);
  }

  /**
   * Starts to answer.
   *
   * @param cachedTokens tokens whose keys and values may be held at once
   * @param messages where the log goes
   * @throws InputException the address cannot be listened on
   */
  public static CompletionServer start(
      ServedModel served, ServeConfig config, int cachedTokens, PrintStream messages) {
    CompletionServer server = new CompletionServer(served, config, cachedTokens, messages);
    ServeConfig.Endpoint endpoint = config.endpoint();
    try {
      server
          .http
          .listen(endpoint.port(), endpoint.host())
          .toCompletionStage()
          .toCompletableFuture()
          .get();
      return server;
    } catch (ExecutionException e) {
      server.close();
      throw new InputException(
          "cannot listen on %s:%d (%s): give another host or port"
              .formatted(endpoint.host(), endpoint.port(), String.valueOf(e.getCause())),
          e);
    } catch (InterruptedException e) {
      server.close();
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while starting", e);
    }
  }

  /** The port it listens on. */
  public int port() {
    return http.actualPort();
  }

  private void handle(HttpServerRequest request) {
    Context context = vertx.getOrCreateContext();
    PrintStream log = config.endpoint().logRequests() ? messages : null;
    HttpAnswer answer = new HttpAnswer(request, context, log);
    HttpConnection connection = request.connection();
    timers.stop(connection);
    request.response().endHandler(ended -> timers.start(connection, connection::close));
    try {
      route(request, answer);
    } catch (ApiException e) {
      answer.fail(e);
    }
  }

  private void route(HttpServerRequest request, HttpAnswer answer) {
    String path = request.path();
    if (path.equals(HEALTH)) {
      require(HttpMethod.GET, request);
      if (draining) {
        throw ApiException.shuttingDown();
      }
      answer.json(Answers.JSON.objectNode().put("status", "ok"));
      return;
    }
    checkKey(request);
    if (path.equals(MODELS)) {
      require(HttpMethod.GET, request);
      ObjectNode body = Answers.JSON.objectNode().put("object", "list");
      body.putArray("data").add(model());
      answer.json(body);
    } else if (path.startsWith(MODELS + "/")) {
      require(HttpMethod.GET, request);
      checkModel(decoded(path.substring(MODELS.length() + 1)));
      answer.json(model());
    } else if (path.equals(CHAT)) {
      require(HttpMethod.POST, request);
      readBody(request, answer, this::chat);
    } else if (path.equals(COMPLETIONS)) {
      require(HttpMethod.POST, request);
      readBody(request, answer, this::completion);
    } else {
      throw ApiException.noSuchPath(request.method().name(), path);
    }
  }

  private static void require(HttpMethod method, HttpServerRequest request) {
    if (!request.method().equals(method)) {
      throw ApiException.wrongMethod(request.method().name(), request.path());
    }
  }

  private void checkKey(HttpServerRequest request) {
    String key = config.endpoint().apiKey();
    if (key == null) {
      return;
    }
    String given = request.getHeader("Authorization");
    byte[] wanted = ("Bearer " + key).getBytes(StandardCharsets.UTF_8);
    // Takes as long for a nearly right key as for any other.
    if (given == null || !MessageDigest.isEqual(wanted, given.getBytes(StandardCharsets.UTF_8))) {
      throw ApiException.unauthorized();
    }
  }

  /** Names may hold slashes, which some clients escape. */
  private static String decoded(String name) {
    try {
      return URLDecoder.decode(name.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      // No escape of anything: then no such model either.
      return name;
    }
  }

  private void checkModel(String name) {
    if (!name.equals(served.name()) && !name.equals(served.otherName())) {
      throw ApiException.noSuchModel(name, served.name());
    }
  }

  private ObjectNode model() {
    return Answers.JSON
        .objectNode()
        .put("id", served.name())
        .put("object", "model")
        .put("created", created)
        .put("owned_by", "grpo4j")
        .put("max_model_len", served.contextLength());
  }

  /** Collects the body, up to its largest size, and reads it on a worker thread. */
  private void readBody(
      HttpServerRequest request, HttpAnswer answer, BiConsumer<RequestFields, HttpAnswer> read) {
    String type = String.valueOf(request.getHeader("Content-Type")).toLowerCase(Locale.ROOT);
    if (!type.startsWith("application/json")) {
      // A web page of another origin may post other types to a server on this machine unasked.
      throw ApiException.badRequest(null, "Send the header Content-Type: application/json.");
    }
    Buffer body = Buffer.buffer();
    timers.start(
        request.connection(),
        () ->
            refuse(request, answer, ApiException.tooSlow(config.limits().clientTimeoutSeconds())));
    request.handler(
        chunk -> {
          if (body.length() + chunk.length() > maxBodyBytes) {
            refuse(request, answer, ApiException.tooLarge(maxBodyBytes));
          } else {
            body.appendBuffer(chunk);
          }
        });
    request.endHandler(
        end -> {
          timers.stop(request.connection());
          vertx.executeBlocking(
              () -> {
                answerOrFail(body, answer, read);
                return null;
              },
              false);
        });
  }

  /** Whatever of the body still comes is left unread. */
  private static void refuse(HttpServerRequest request, HttpAnswer answer, ApiException refusal) {
    request.handler(ignored -> {}).endHandler(ignored -> {});
    answer.fail(refusal);
  }

  private void answerOrFail(
      Buffer body, HttpAnswer answer, BiConsumer<RequestFields, HttpAnswer> read) {
    try {
      if (draining) {
        throw ApiException.shuttingDown();
      }
      read.accept(new RequestFields(parse(body)), answer);
    } catch (ApiException e) {
      answer.fail(e);
    } catch (RuntimeException e) {
      messages.println("grpo4j: reading a request failed: " + e);
      e.printStackTrace(messages);
      answer.fail(ApiException.internal("The request could not be read: " + e));
    }
  }

  private static ObjectNode parse(Buffer body) {
    String problem = "an object is wanted";
    try {
      JsonNode json = MAPPER.readTree(body.getBytes());
      if (json instanceof ObjectNode object) {
        return object;
      }
    } catch (JsonProcessingException e) {
      problem = JsonProblem.of(e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    throw ApiException.badRequest(null, "The body is not the JSON of a request: " + problem + ".");
  }

  private void chat(RequestFields fields, HttpAnswer answer) {
    checkModel(fields.requiredText("model"));
    ChatRequest request = ChatRequest.of(fields, served);
    submit(List.of(request.generation()), List.of(new ChatAnswer(request, served, answer)), answer);
  }

  private void completion(RequestFields fields, HttpAnswer answer) {
    checkModel(fields.requiredText("model"));
    CompletionRequest request = CompletionRequest.of(fields, served);
    CompletionAnswer answers = new CompletionAnswer(request, served, answer);
    List<GenerationListener> listeners = new ArrayList<>();
    for (int prompt = 0; prompt < request.generations().size(); prompt++) {
      listeners.add(answers.ofPrompt(prompt));
    }
    submit(request.generations(), listeners, answer);
  }

  private void submit(
      List<Generation> generations, List<GenerationListener> listeners, HttpAnswer answer) {
    List<Job> jobs = engine.submit(generations, listeners);
    answer.whenGone(() -> jobs.forEach(Job::cancel));
  }

  /**
   * Stops accepting, and lets what runs and waits end.
   *
   * @param seconds after which what has not ended is cut off
   */
  public void drain(int seconds) {
    draining = true;
    await(http.shutdown(seconds, TimeUnit.SECONDS).toCompletionStage().toCompletableFuture());
  }

  /** Sequences that wait or run. */
  public int unfinished() {
    return engine.unfinished();
  }

  private static void await(CompletableFuture<?> future) {
    try {
      future.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("the HTTP server did not stop", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Cuts off what has not ended. */
  @Override
  public void close() {
    draining = true;
    engine.close();
    await(vertx.close().toCompletionStage().toCompletableFuture());
  }
}
