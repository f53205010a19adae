package org.grpo4j.trainer.config;

import org.jspecify.annotations.Nullable;

/**
 * Settings of {@code ./grpo4j sft}: cross entropy on prompts and completions.
 *
 * @param model checkpoint and chat template
 * @param data rows and their length
 * @param optimizer AdamW and batches
 * @param runtime seed, threads, instruction set
 * @param run run folder and logging
 */
@Defaults(
    value = {"learning_rate: 2.0e-5"},
    embeddedTask = "sft-embedded.yaml",
    embeddedMultiTurn = "sft-embedded-multi-turn.yaml")
public record SftConfig(
    ModelSettings model,
    Rows data,
    OptimizerSettings optimizer,
    RuntimeSettings runtime,
    RunSettings run) {

  /**
   * What is learnt.
   *
   * @param trainFile "embedded", "embedded_multi_turn", or a JSON, JSONL or Parquet file of ToolRL
   *     rows
   * @param evalFile held-out prompts; null: the embedded task's, or none for a file
   * @param evalPrompts how many held-out prompts are evaluated, at most
   * @param maxLength tokens of prompt and completion together, at most; null: no limit
   * @param completionOnlyLoss whether the prompt's tokens are left out of the loss
   * @param fromScratch whether training starts from random weights
   */
  public record Rows(
      @Key(
              byDefault = "embedded",
              doc =
                  "Rows: 'embedded', 'embedded_multi_turn' (the tasks in the project) or a"
                      + " .json, .jsonl or .parquet file"
                      + " of ToolRL rows.")
          String trainFile,
      @Key(
              byDefault = "null",
              doc =
                  "Held-out prompts, same formats; unset: the embedded task's, and no evaluation"
                      + " for a train_file of your own.")
          @Nullable String evalFile,
      @Key(byDefault = "200", min = 0, doc = "Held-out prompts evaluated before and after.")
          int evalPrompts,
      @Key(
              byDefault = "1024",
              min = 2,
              source = "TRL",
              doc = "Rows of more tokens (prompt and completion) are left out and counted.")
          @Nullable Integer maxLength,
      @Key(byDefault = "true", source = "TRL", doc = "Leave the prompt's tokens out of the loss.")
          boolean completionOnlyLoss,
      @Key(
              byDefault = "false",
              doc = "Start from random weights in the shape of the folder's config.json.")
          boolean fromScratch) {
    /** Held-out prompts: a file, an embedded task, or null for none. */
    public @Nullable String heldOut() {
      return evalFile == null && ModelSettings.isEmbedded(trainFile) ? trainFile : evalFile;
    }
  }
}
