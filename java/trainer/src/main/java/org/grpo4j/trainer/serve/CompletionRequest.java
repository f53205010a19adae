package org.grpo4j.trainer.serve;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code POST /v1/completions}.
 *
 * @param generations one for each prompt; their choices are numbered through
 */
record CompletionRequest(List<Generation> generations, StreamMode stream) {
  private static final int DEFAULT_MAX_TOKENS = 16;
  private static final int MOST_LOGPROBS = 5;
  private static final int MOST_PROMPTS = 1024;

  CompletionRequest {
    generations = List.copyOf(generations);
  }

  /**
   * Reads a request.
   *
   * @throws ApiException 400, naming the field
   */
  static CompletionRequest of(RequestFields fields, ServedModel served) {
    fields.refuse("suffix", "the model continues text, it does not fill gaps");
    int choices = fields.integer("n", 1, 1, Integer.MAX_VALUE);
    if (fields.integer("best_of", choices, 1, Integer.MAX_VALUE) != choices) {
      throw ApiException.badRequest(
          "best_of", "'best_of' is not supported: ask for 'n' completions and choose.");
    }
    int logProbs = fields.integer("logprobs", -1, 0, MOST_LOGPROBS);
    boolean echo = fields.flag("echo", false);
    int asked = fields.integer("max_tokens", DEFAULT_MAX_TOKENS, echo ? 0 : 1, Integer.MAX_VALUE);
    SamplingFields sampling = new SamplingFields(fields, served);
    List<Generation> generations = new ArrayList<>();
    for (long[] prompt : prompts(fields, served)) {
      // A prompt that is scored alone takes the room of one token, which is never sampled.
      generations.add(
          sampling.read(
              prompt,
              "prompt",
              Math.max(1, asked),
              CompletionForm.FREE,
              echo(echo, asked),
              logProbs));
    }
    return new CompletionRequest(generations, StreamMode.of(fields));
  }

  private static Generation.Echo echo(boolean wanted, int maxTokens) {
    if (!wanted) {
      return Generation.Echo.NONE;
    }
    return maxTokens == 0 ? Generation.Echo.ALONE : Generation.Echo.BEFORE_COMPLETION;
  }

  /** A string, a list of strings, a list of token ids, or a list of such lists. */
  private static List<long[]> prompts(RequestFields fields, ServedModel served) {
    JsonNode given = fields.get("prompt");
    List<long[]> prompts = new ArrayList<>();
    if (given.isTextual() || (given.isArray() && given.path(0).isNumber())) {
      prompts.add(prompt(fields, served, given));
    } else if (given.isArray()) {
      if (given.size() > MOST_PROMPTS) {
        throw ApiException.badRequest(
            "prompt",
            "'prompt' holds %d prompts, want at most %d.".formatted(given.size(), MOST_PROMPTS));
      }
      given.forEach(each -> prompts.add(prompt(fields, served, each)));
    }
    if (prompts.isEmpty()) {
      throw ApiException.badRequest(
          "prompt", "'prompt' must be a string, a list of token ids, or a list of either.");
    }
    return prompts;
  }

  private static long[] prompt(RequestFields fields, ServedModel served, JsonNode given) {
    long[] ids;
    if (given.isTextual()) {
      ids = served.tokenizer().encode(given.asText(), fields.flag("add_special_tokens", true));
    } else if (given.isArray()) {
      ids = new long[given.size()];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = tokenId(fields, served, given.get(i));
      }
    } else {
      throw fields.wrong("prompt", "a string or token ids", given);
    }
    if (ids.length == 0) {
      throw ApiException.badRequest("prompt", "'prompt' is empty: want at least one token.");
    }
    return ids;
  }

  private static long tokenId(RequestFields fields, ServedModel served, JsonNode id) {
    int vocabulary = served.model().config().vocabSize();
    if (!id.isInt() || id.asInt() < 0 || id.asInt() >= vocabulary) {
      throw fields.wrong("prompt", "token ids below " + vocabulary, id);
    }
    return id.asInt();
  }
}
