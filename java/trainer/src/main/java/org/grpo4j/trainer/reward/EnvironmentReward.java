package org.grpo4j.trainer.reward;

import java.util.LinkedHashMap;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.environment.Episode;

/** What the environment gave a conversation: its turns' rewards and the outcome's. */
public final class EnvironmentReward implements RewardFunction {
  /** Its name in the configuration. */
  public static final String NAME = "environment";

  @Override
  public String name() {
    return NAME;
  }

  /**
   * @throws InputException the completion is no conversation
   */
  @Override
  public RewardScore score(RewardInput input) {
    Episode episode = input.episode();
    if (episode == null) {
      throw new InputException(
          "reward_funcs names environment, but the completion is one answer: set environment");
    }
    Map<String, Double> parts = new LinkedHashMap<>();
    parts.put("turns", episode.reward() - episode.outcome().reward());
    parts.put("outcome", episode.outcome().reward());
    return new RewardScore(episode.reward(), parts);
  }
}
