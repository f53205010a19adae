package org.grpo4j.trainer.report;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One completion as it is kept in completions/step-N.jsonl.
 *
 * @param step optimizer step whose rollout it belongs to
 * @param prompt text of the prompt
 * @param completion text of the completion
 * @param rewards reward by function name, before the factors
 * @param reward their weighted sum
 * @param advantage after normalisation
 * @param tokens text of each token; together the completion, special tokens included
 * @param tokenWeights weight of each token before aggregation (ResT's ω); all 1 without weighting
 * @param conversation turns and which tokens were sampled; null for one answer, whose tokens all
 *     were
 */
public record LoggedCompletion(
    int step,
    String prompt,
    String completion,
    Map<String, Double> rewards,
    double reward,
    double advantage,
    List<String> tokens,
    List<Float> tokenWeights,
    @Nullable LoggedConversation conversation) {

  /** One answer. */
  public LoggedCompletion(
      int step,
      String prompt,
      String completion,
      Map<String, Double> rewards,
      double reward,
      double advantage,
      List<String> tokens,
      List<Float> tokenWeights) {
    this(step, prompt, completion, rewards, reward, advantage, tokens, tokenWeights, null);
  }

  /** Copies what it is given and checks that tokens and weights are of one length. */
  public LoggedCompletion {
    if (tokens.size() != tokenWeights.size()) {
      throw new IllegalArgumentException(
          "tokenWeights: %d given, %d wanted, one per token"
              .formatted(tokenWeights.size(), tokens.size()));
    }
    if (conversation != null && conversation.sampledMask().size() != tokens.size()) {
      throw new IllegalArgumentException(
          "sampledMask: %d given, %d wanted, one per token"
              .formatted(conversation.sampledMask().size(), tokens.size()));
    }
    rewards = new LinkedHashMap<>(rewards);
    tokens = List.copyOf(tokens);
    tokenWeights = List.copyOf(tokenWeights);
  }

  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("step", step);
    map.put("prompt", prompt);
    map.put("completion", completion);
    map.put("rewards", rewards);
    map.put("reward", reward);
    map.put("advantage", advantage);
    map.put("tokens", tokens);
    map.put("token_weights", tokenWeights);
    if (conversation != null) {
      map.putAll(conversation.toMap());
    }
    return map;
  }
}
