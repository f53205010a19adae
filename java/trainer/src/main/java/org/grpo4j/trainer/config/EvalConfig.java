package org.grpo4j.trainer.config;

import org.jspecify.annotations.Nullable;

/**
 * Settings of {@code ./grpo4j eval}.
 *
 * @param model checkpoint and chat template
 * @param task what is evaluated and how
 * @param environment conversations with tools
 * @param reward reward functions
 * @param runtime seed, threads, instruction set
 */
@Defaults(embeddedMultiTurn = "eval-embedded-multi-turn.yaml")
public record EvalConfig(
    ModelSettings model,
    Task task,
    EnvironmentSettings environment,
    RewardSettings reward,
    RuntimeSettings runtime) {

  /** Checks what concerns several keys. */
  public EvalConfig {
    environment.requireFitting(reward);
  }

  /**
   * Held-out prompts and sampling.
   *
   * @param evalFile "embedded", "embedded_multi_turn", or a JSON, JSONL or Parquet file of ToolRL
   *     rows
   * @param evalPrompts how many of them, at most
   * @param maxPromptLength prompts of more tokens are left out; null: no limit
   * @param maxCompletionLength tokens per completion, at most
   * @param perDeviceEvalBatchSize prompts generated together
   * @param temperature of the sampled accuracy; the exact one is greedy
   * @param outputFile JSON to write; null: standard output alone
   */
  public record Task(
      @Key(
              byDefault = "embedded",
              doc =
                  "Held-out prompts: 'embedded', 'embedded_multi_turn' or a .json, .jsonl or"
                      + " .parquet"
                      + " file.")
          String evalFile,
      @Key(byDefault = "200", min = 1, doc = "Prompts evaluated, at most.") int evalPrompts,
      @Key(byDefault = "null", min = 1, doc = "Prompts of more tokens are left out and counted.")
          @Nullable Integer maxPromptLength,
      @Key(byDefault = "256", min = 1, doc = "Tokens per completion, at most.")
          int maxCompletionLength,
      @Key(byDefault = "32", min = 1, doc = "Prompts generated together.")
          int perDeviceEvalBatchSize,
      @Key(
              byDefault = "1.0",
              min = 0,
              aboveMin = true,
              doc = "Temperature of the sampled accuracy; the exact one is greedy.")
          double temperature,
      @Key(byDefault = "null", doc = "JSON file to write; unset: standard output alone.")
          @Nullable String outputFile) {}
}
