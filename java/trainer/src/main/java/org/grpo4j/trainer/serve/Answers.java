package org.grpo4j.trainer.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ThreadLocalRandom;
import org.grpo4j.trainer.serve.GenerationListener.FinishReason;

/** Parts of JSON answers. */
final class Answers {
  static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  /** What OpenAI reports for a probability of 0: JSON has no infinity. */
  private static final float LEAST_LOG_PROB = -9999;

  private Answers() {}

  /** A fresh id, for example "chatcmpl-1f0a…". */
  static String id(String prefix) {
    byte[] random = new byte[12];
    ThreadLocalRandom.current().nextBytes(random);
    return prefix + HexFormat.of().formatHex(random);
  }

  static long now() {
    return Instant.now().getEpochSecond();
  }

  static ObjectNode usage(int promptTokens, int completionTokens) {
    return JSON.objectNode()
        .put("prompt_tokens", promptTokens)
        .put("completion_tokens", completionTokens)
        .put("total_tokens", promptTokens + completionTokens);
  }

  static String name(FinishReason reason) {
    return reason.name().toLowerCase(Locale.ROOT);
  }

  static float finite(float logProb) {
    return Math.max(logProb, LEAST_LOG_PROB);
  }

  /** The form of chat completions. */
  static ArrayNode chatLogProbs(List<TokenLogProb> tokens) {
    ArrayNode content = JSON.arrayNode();
    for (TokenLogProb token : tokens) {
      ObjectNode entry = entry(token.token(), token.logProb());
      ArrayNode top = entry.putArray("top_logprobs");
      for (TokenLogProb.Alternative each : token.alternatives()) {
        top.add(entry(each.token(), each.logProb()));
      }
      content.add(entry);
    }
    return content;
  }

  private static ObjectNode entry(String token, float logProb) {
    ObjectNode entry = JSON.objectNode().put("token", token).put("logprob", finite(logProb));
    entry.set("bytes", bytes(token));
    return entry;
  }

  /** UTF-8; null where the token is only a part of a character. */
  private static JsonNode bytes(String token) {
    if (token.indexOf('\uFFFD') >= 0) {
      return NullNode.getInstance();
    }
    ArrayNode bytes = JSON.arrayNode();
    for (byte b : token.getBytes(StandardCharsets.UTF_8)) {
      bytes.add(b & 0xFF);
    }
    return bytes;
  }

  /** The form of plain completions: parallel lists. */
  static ObjectNode plainLogProbs(List<TokenLogProb> tokens) {
    ObjectNode result = JSON.objectNode();
    ArrayNode texts = result.putArray("tokens");
    ArrayNode logProbs = result.putArray("token_logprobs");
    ArrayNode tops = result.putArray("top_logprobs");
    ArrayNode offsets = result.putArray("text_offset");
    for (TokenLogProb token : tokens) {
      texts.add(token.token());
      offsets.add(token.offset());
      if (Float.isNaN(token.logProb())) {
        logProbs.addNull();
        tops.addNull();
        continue;
      }
      logProbs.add(finite(token.logProb()));
      ObjectNode top = JSON.objectNode();
      token.alternatives().forEach(each -> top.put(each.token(), finite(each.logProb())));
      tops.add(top);
    }
    return result;
  }
}
