package org.grpo4j.trainer.serve;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import org.grpo4j.trainer.rollout.SamplingConfig;
import org.grpo4j.trainer.serve.Generation.Penalties;
import org.grpo4j.trainer.serve.Generation.Stop;

/** The fields that chat and plain completions have in common. */
final class SamplingFields {
  private static final int MOST_CHOICES = 128;
  private static final int MOST_STOPS = 4;

  /** OpenAI allows 0: the most likely token alone, which is what this small a mass keeps. */
  private static final double LEAST_TOP_P = 1e-6;

  private static final String NO_CONSTRAINTS =
      "this server holds chats to a schema by 'response_format' alone";
  private static final String NO_SUCH_SAMPLING = "this server does not sample that way";

  /** Fields of vLLM, SGLang and OpenAI that would change the answer. */
  private static final Map<String, String> REFUSED =
      Map.ofEntries(
          Map.entry("guided_json", NO_CONSTRAINTS),
          Map.entry("guided_regex", NO_CONSTRAINTS),
          Map.entry("guided_choice", NO_CONSTRAINTS),
          Map.entry("guided_grammar", NO_CONSTRAINTS),
          Map.entry("structured_outputs", NO_CONSTRAINTS),
          Map.entry("use_beam_search", NO_SUCH_SAMPLING),
          Map.entry("ignore_eos", NO_SUCH_SAMPLING));

  private final RequestFields fields;
  private final ServedModel served;

  SamplingFields(RequestFields fields, ServedModel served) {
    this.fields = fields;
    this.served = served;
  }

  /**
   * Reads them.
   *
   * @param promptField what a prompt that is too long is called in the error
   * @param maxTokens how many the request asks for; negative: as many as fit
   * @param form what completions have to look like
   * @param echo whether the prompt comes before them
   * @param topLogProbs as in {@link Generation}
   */
  Generation read(
      long[] prompt,
      String promptField,
      int maxTokens,
      CompletionForm form,
      Generation.Echo echo,
      int topLogProbs) {
    REFUSED.forEach(fields::refuse);
    fields.number("min_p", 0, 0, 0);
    fields.number("repetition_penalty", 1, 1, 1);
    Long seed = fields.longInteger("seed");
    int topK = fields.integer("top_k", 0, -1, Integer.MAX_VALUE);
    SamplingConfig sampling =
        new SamplingConfig(
            fields.number("temperature", 1, 0, 2),
            Math.max(fields.number("top_p", 1, 0, 1), LEAST_TOP_P),
            Math.max(topK, 0),
            fitting(prompt, promptField, maxTokens));
    return new Generation(
        prompt,
        fields.integer("n", 1, 1, MOST_CHOICES),
        seed == null ? ThreadLocalRandom.current().nextLong() : seed,
        sampling,
        penalties(),
        stop(),
        form,
        echo,
        topLogProbs);
  }

  private int fitting(long[] prompt, String promptField, int maxTokens) {
    int context = served.contextLength();
    int left = context - prompt.length;
    if (left < 1 || maxTokens > left) {
      String asked = maxTokens < 0 ? "a completion" : maxTokens + " for the completion";
      throw ApiException.contextLength(
          promptField,
          ("This model's maximum context length is %d tokens. You asked for %d in the prompt and"
                  + " %s: shorten the prompt or lower max_tokens.")
              .formatted(context, prompt.length, asked));
    }
    return maxTokens < 0 ? left : maxTokens;
  }

  private Penalties penalties() {
    Map<Integer, Double> bias = new HashMap<>();
    RequestFields biases = fields.object("logit_bias");
    fields
        .get("logit_bias")
        .fieldNames()
        .forEachRemaining(token -> bias.put(tokenId(token), biases.number(token, 0, -100, 100)));
    return new Penalties(
        fields.number("presence_penalty", 0, -2, 2),
        fields.number("frequency_penalty", 0, -2, 2),
        bias);
  }

  private int tokenId(String text) {
    int vocabulary = served.model().config().vocabSize();
    try {
      int id = Integer.parseInt(text);
      if (id >= 0 && id < vocabulary) {
        return id;
      }
    } catch (NumberFormatException e) {
      // Reported below with the same words as an id that is out of range.
    }
    throw ApiException.badRequest(
        "logit_bias",
        "Invalid 'logit_bias': want token ids below %d as names, got '%s'."
            .formatted(vocabulary, text));
  }

  private Stop stop() {
    List<String> texts = new ArrayList<>();
    JsonNode given = fields.get("stop");
    if (given.isTextual()) {
      texts.add(given.asText());
    } else if (given.isArray()) {
      given.forEach(each -> texts.add(each.isTextual() ? each.asText() : ""));
    } else if (!given.isMissingNode()) {
      throw fields.wrong("stop", "a string or a list of them", given);
    }
    if (texts.contains("") || texts.size() > MOST_STOPS) {
      throw fields.wrong("stop", "at most " + MOST_STOPS + " strings, none empty", given);
    }
    Set<Integer> tokens = new HashSet<>(served.stopTokens());
    JsonNode ids = fields.list("stop_token_ids");
    for (JsonNode id : ids) {
      if (!id.isInt()) {
        throw fields.wrong("stop_token_ids", "a list of token ids", ids);
      }
      tokens.add(id.asInt());
    }
    return new Stop(texts, tokens, fields.flag("skip_special_tokens", true));
  }
}
