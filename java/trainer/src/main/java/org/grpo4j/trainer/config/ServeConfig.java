package org.grpo4j.trainer.config;

import org.jspecify.annotations.Nullable;

/**
 * Settings of {@code ./grpo4j serve}.
 *
 * @param model checkpoint and chat template
 * @param endpoint where and to whom it answers
 * @param limits how much it takes on
 * @param runtime seed, threads, instruction set
 */
public record ServeConfig(
    ModelSettings model, Endpoint endpoint, Limits limits, RuntimeSettings runtime) {

  /** How tool calls are read from a completion's text. */
  public enum ToolCallFormat {
    /** LLAMA3_JSON for Llama models, HERMES for others. */
    AUTO,
    /** JSON between tool_call tags, as Hermes and Qwen write it. */
    HERMES,
    /** A completion that is JSON and nothing else, as Llama 3 writes it. */
    LLAMA3_JSON,
    /** Everything is content. */
    NONE
  }

  /**
   * Where and to whom it answers.
   *
   * @param host address to listen on
   * @param port 0: a free one, which is printed
   * @param apiKey clients must send it; null: everybody may
   * @param servedModelName the name clients ask for; null: the folder's name
   * @param toolCallFormat how calls are read from the model's text
   * @param logRequests a line on standard error for each request
   */
  public record Endpoint(
      @Key(
              byDefault = "127.0.0.1",
              doc = "Address to listen on; 0.0.0.0 lets other machines in: set api_key then.")
          String host,
      @Key(byDefault = "8000", source = "vLLM", min = 0, max = 65535, doc = "0: any free port.")
          int port,
      @Key(byDefault = "null", doc = "What clients must send as bearer token; unset: nothing.")
          @Nullable String apiKey,
      @Key(
              byDefault = "null",
              doc = "The model name in requests and answers; unset: the folder's name.")
          @Nullable String servedModelName,
      @Key(
              byDefault = "auto",
              doc = "How tool calls are read; auto: llama3_json for Llama models, else hermes.")
          ToolCallFormat toolCallFormat,
      @Key(byDefault = "true", doc = "A line on standard error for each request.")
          boolean logRequests) {}

  /**
   * How much it takes on.
   *
   * @param maxBatchSize sequences decoded together
   * @param maxQueue sequences that wait beyond those
   * @param maxContextLength tokens of prompt and completion; null: the checkpoint's
   * @param maxCachedTokens tokens whose keys and values are held at once; null: half the memory
   * @param maxBodyMib size of a request
   * @param clientTimeoutSeconds time for a client to send a request, and between two of them
   * @param drainSeconds time for running requests after Ctrl-C
   */
  public record Limits(
      @Key(byDefault = "32", min = 1, doc = "Sequences decoded together, at most.")
          int maxBatchSize,
      @Key(
              byDefault = "256",
              min = 0,
              doc = "Sequences that may wait for a place; more requests are refused with 429.")
          int maxQueue,
      @Key(
              byDefault = "null",
              min = 2,
              doc = "Tokens of prompt and completion; unset: max_position_embeddings.")
          @Nullable Integer maxContextLength,
      @Key(
              byDefault = "null",
              min = 64,
              doc =
                  "Tokens whose keys and values are held at once; unset: what half of the memory"
                      + " that is free at the start can hold.")
          @Nullable Integer maxCachedTokens,
      @Key(byDefault = "16", min = 1, max = 1024, doc = "Size of a request's body, MiB.")
          int maxBodyMib,
      @Key(
              byDefault = "60",
              min = 1,
              doc =
                  "Seconds that a client may take to send a request, or leave a connection unused.")
          int clientTimeoutSeconds,
      @Key(byDefault = "30", min = 0, doc = "Seconds that running requests get after Ctrl-C.")
          int drainSeconds) {}
}
