package org.grpo4j.trainer.config;

import org.jspecify.annotations.Nullable;

/**
 * Training and evaluation prompts.
 *
 * @param trainFile "embedded", "embedded_multi_turn", or a JSON, JSONL or Parquet file of ToolRL
 *     rows
 * @param evalFile held-out prompts; null: the embedded task's, or none for a file
 * @param evalPrompts how many held-out prompts are evaluated, at most
 * @param maxPromptLength prompts of more tokens are left out; null: no limit
 * @param decomposeTurns whether each assistant's turn of a row is a prompt of its own
 */
public record DataSettings(
    @Key(
            byDefault = "embedded",
            doc =
                "Training prompts: 'embedded', 'embedded_multi_turn' (the tasks in the"
                    + " project) or a .json, .jsonl or"
                    + " .parquet file of ToolRL rows.")
        String trainFile,
    @Key(
            byDefault = "null",
            doc =
                "Held-out prompts, same formats; unset: the embedded task's, and no evaluation for"
                    + " a train_file of your own.")
        @Nullable String evalFile,
    @Key(byDefault = "200", min = 0, doc = "Held-out prompts evaluated before and after.")
        int evalPrompts,
    @Key(
            byDefault = "null",
            min = 1,
            source = "TRL",
            doc = "Prompts longer than this many tokens are left out and counted; unset: no limit.")
        @Nullable Integer maxPromptLength,
    @Key(
            byDefault = "false",
            source = "ResT",
            doc =
                "Make every assistant's turn of a recorded conversation a prompt of its own, with"
                    + " what comes before it; false: the last turn alone.")
        boolean decomposeTurns) {

  /** Whether the training prompts are a task kept in the project. */
  public boolean embedded() {
    return ModelSettings.isEmbedded(trainFile);
  }

  /** Held-out prompts: a file, an embedded task, or null for none. */
  public @Nullable String heldOut() {
    return evalFile == null && embedded() ? trainFile : evalFile;
  }
}
