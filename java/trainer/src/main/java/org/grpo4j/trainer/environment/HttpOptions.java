package org.grpo4j.trainer.environment;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.grpo4j.torch.InputException;
import org.jspecify.annotations.Nullable;

/**
 * How {@link HttpEnvironment} reaches its tools.
 *
 * @param tools the JSON file of their signatures
 * @param baseUrl prefix of the URL of a tool without its own, null where each has one
 * @param timeout of one attempt
 * @param maxRetries further attempts after a connection that failed or a status of 429 or 5xx
 * @param retryDelay before the first further attempt; it doubles each time
 * @param maxOutputBytes of a response that are read; the rest is left out
 */
public record HttpOptions(
    Path tools,
    @Nullable String baseUrl,
    Duration timeout,
    int maxRetries,
    Duration retryDelay,
    int maxOutputBytes) {
  private static final Set<String> NAMES =
      Set.of(
          "tools",
          "base_url",
          "timeout_seconds",
          "max_retries",
          "retry_delay_seconds",
          "max_output_bytes");

  public HttpOptions {
    if (timeout.isNegative() || timeout.isZero()) {
      throw new InputException("environment_options: timeout_seconds must be above 0");
    }
    if (maxRetries < 0 || retryDelay.isNegative() || maxOutputBytes < 1) {
      throw new InputException(
          "environment_options: want max_retries >= 0, retry_delay_seconds >= 0 and"
              + " max_output_bytes >= 1");
    }
  }

  /**
   * Reads {@code environment_options}.
   *
   * @throws InputException an option is unknown, of the wrong type, or tools is missing
   */
  static HttpOptions of(Map<String, Object> options) {
    for (String name : options.keySet()) {
      if (!NAMES.contains(name)) {
        throw new InputException(
            "environment_options: http does not take '"
                + name
                + "'; it takes "
                + NAMES.stream().sorted().toList());
      }
    }
    if (!(options.get("tools") instanceof String tools)) {
      throw new InputException(
          "environment_options: http needs tools, the JSON file of their signatures");
    }
    Object base = options.get("base_url");
    return new HttpOptions(
        Path.of(tools),
        base == null ? null : String.valueOf(base),
        seconds(options, "timeout_seconds", 10),
        (int) number(options, "max_retries", 2),
        seconds(options, "retry_delay_seconds", 0.5),
        (int) number(options, "max_output_bytes", 8192));
  }

  private static Duration seconds(Map<String, Object> options, String name, double byDefault) {
    return Duration.ofMillis(Math.round(1000 * number(options, name, byDefault)));
  }

  private static double number(Map<String, Object> options, String name, double byDefault) {
    Object value = options.getOrDefault(name, byDefault);
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    throw new InputException("environment_options: " + name + " must be a number, got " + value);
  }
}
