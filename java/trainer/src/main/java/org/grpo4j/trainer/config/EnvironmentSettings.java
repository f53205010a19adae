package org.grpo4j.trainer.config;

import java.util.Map;
import org.grpo4j.torch.InputException;
import org.jspecify.annotations.Nullable;

/**
 * Conversations with an environment that answers the model's tool calls.
 *
 * @param environment house, http or a fully qualified class; null: one answer to each prompt
 * @param environmentOptions what the environment takes
 * @param maxToolCallingIterations rounds of calls carried out in a conversation; null: no limit but
 *     the tokens'
 * @param maxToolOutputTokens of one call's output
 * @param toolThreads calls of different conversations carried out at once
 * @param multiTurnMode what one training sample is
 */
public record EnvironmentSettings(
    @Key(
            byDefault = "null",
            doc =
                "What answers tool calls: house (the embedded multi-turn task's), http (your tools"
                    + " behind URLs) or a fully qualified class of your own; unset: one answer to"
                    + " each prompt.")
        @Nullable String environment,
    @Key(
            byDefault = "{}",
            doc =
                "Options of the environment; http takes tools (a JSON file), base_url,"
                    + " timeout_seconds, max_retries, retry_delay_seconds and max_output_bytes.")
        Map<String, Object> environmentOptions,
    @Key(
            byDefault = "null",
            min = 0,
            source = "TRL",
            doc =
                "Rounds of tool calls carried out in a conversation, at most; unset: as many as"
                    + " max_completion_length holds, which counts tools' tokens too.")
        @Nullable Integer maxToolCallingIterations,
    @Key(
            byDefault = "256",
            min = 1,
            doc = "Tokens of one call's output that the model is shown, at most.")
        int maxToolOutputTokens,
    @Key(
            byDefault = "8",
            min = 1,
            doc = "Conversations whose calls are carried out at the same time.")
        int toolThreads,
    @Key(
            byDefault = "trajectory",
            doc =
                "A training sample: trajectory (the whole conversation, one reward) or steps (each"
                    + " turn with what came before it as its prompt, as ResT trains).")
        MultiTurnMode multiTurnMode) {
  /** Copies what it is given. */
  public EnvironmentSettings {
    environmentOptions = Values.copy(environmentOptions);
  }

  /** One answer to each prompt. */
  public static EnvironmentSettings none() {
    return new EnvironmentSettings(null, Map.of(), null, 256, 8, MultiTurnMode.TRAJECTORY);
  }

  /** The embedded multi-turn task's, as its recipes have it. */
  public static EnvironmentSettings house() {
    return new EnvironmentSettings("house", Map.of(), 5, 32, 8, MultiTurnMode.TRAJECTORY);
  }

  /** Refuses reward functions that judge the other kind of completion. */
  void requireFitting(RewardSettings reward) {
    if (environment != null && reward.rewardFuncs().contains("toolrl")) {
      throw new InputException(
          "reward_funcs names toolrl, which compares one answer with one reference: in a"
              + " conversation name environment, or reward functions of your own");
    }
    if (environment == null && reward.rewardFuncs().contains("environment")) {
      throw new InputException(
          "reward_funcs names environment, and no environment is set: give environment=house, http"
              + " or a class");
    }
  }

  /** What one training sample is. */
  public enum MultiTurnMode {
    TRAJECTORY,
    STEPS
  }

  /** Rounds of calls carried out in a conversation. */
  public int rounds() {
    return maxToolCallingIterations == null ? Integer.MAX_VALUE : maxToolCallingIterations;
  }
}
