package org.grpo4j.trainer.serve;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/** A request that cannot be answered, in the form that OpenAI's API reports it. */
final class ApiException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final String INVALID_REQUEST = "invalid_request_error";

  private final int status;
  private final String type;
  private final @Nullable String param;
  private final @Nullable String code;

  private ApiException(
      int status, String type, @Nullable String param, @Nullable String code, String message) {
    super(message);
    this.status = status;
    this.type = type;
    this.param = param;
    this.code = code;
  }

  /** 400: a field is wrong. */
  static ApiException badRequest(@Nullable String param, String message) {
    return new ApiException(400, INVALID_REQUEST, param, null, message);
  }

  /** 400: prompt and completion do not fit. */
  static ApiException contextLength(String param, String message) {
    return new ApiException(400, INVALID_REQUEST, param, "context_length_exceeded", message);
  }

  static ApiException unauthorized() {
    return new ApiException(
        401,
        INVALID_REQUEST,
        null,
        "invalid_api_key",
        "Missing or wrong API key: send the header Authorization: Bearer KEY.");
  }

  static ApiException noSuchModel(String model, String served) {
    return new ApiException(
        404,
        INVALID_REQUEST,
        "model",
        "model_not_found",
        "The model '%s' does not exist; this server has '%s'.".formatted(model, served));
  }

  static ApiException noSuchPath(String method, String path) {
    return new ApiException(
        404, INVALID_REQUEST, null, null, "Invalid URL (%s %s)".formatted(method, path));
  }

  static ApiException wrongMethod(String method, String path) {
    return new ApiException(
        405, INVALID_REQUEST, null, null, "Not allowed: %s %s".formatted(method, path));
  }

  static ApiException tooSlow(int seconds) {
    return new ApiException(
        408,
        INVALID_REQUEST,
        null,
        null,
        "The body did not come within %d seconds (client_timeout_seconds).".formatted(seconds));
  }

  static ApiException tooLarge(long maxBytes) {
    return new ApiException(
        413, INVALID_REQUEST, null, null, "The body is larger than %d bytes.".formatted(maxBytes));
  }

  static ApiException overloaded(int waiting) {
    return new ApiException(
        429,
        "rate_limit_error",
        null,
        "rate_limit_exceeded",
        "The server is busy: %d sequences run or wait. Try again later.".formatted(waiting));
  }

  static ApiException internal(String message) {
    return new ApiException(500, "server_error", null, null, message);
  }

  static ApiException shuttingDown() {
    return new ApiException(503, "server_error", null, null, "The server is shutting down.");
  }

  int status() {
    return status;
  }

  /** {@code {"error": {"message", "type", "param", "code"}}}. */
  ObjectNode body() {
    ObjectNode body = JsonNodeFactory.instance.objectNode();
    body.putObject("error")
        .put("message", getMessage())
        .put("type", type)
        .put("param", param)
        .put("code", code);
    return body;
  }
}
