package org.grpo4j.trainer.config;

import org.jspecify.annotations.Nullable;

/**
 * Settings of {@code ./grpo4j generate}.
 *
 * @param model checkpoint and chat template
 * @param sampling what is generated from what
 * @param runtime seed, threads, instruction set
 */
public record GenerateConfig(ModelSettings model, Sampling sampling, RuntimeSettings runtime) {

  /**
   * Prompts and sampling.
   *
   * @param prompt one user message; null: promptFile
   * @param promptFile rows to complete: "embedded", or a JSON, JSONL or Parquet file
   * @param maxPrompts how many of them, at most
   * @param numGenerations completions per prompt
   * @param maxCompletionLength tokens per completion, at most
   * @param temperature 0: greedy
   * @param topP nucleus mass kept; 1 keeps all
   * @param topK tokens kept; 0 keeps all
   * @param outputFile JSONL to write; null: standard output
   */
  public record Sampling(
      @Key(byDefault = "null", doc = "One user message to answer; unset: prompt_file.")
          @Nullable String prompt,
      @Key(
              byDefault = "embedded",
              doc = "Prompts: 'embedded' (held-out prompts of the task) or a file of rows.")
          String promptFile,
      @Key(byDefault = "8", min = 1, doc = "Prompts taken from prompt_file, at most.")
          int maxPrompts,
      @Key(byDefault = "1", min = 1, doc = "Completions per prompt.") int numGenerations,
      @Key(byDefault = "256", min = 1, doc = "Tokens per completion, at most.")
          int maxCompletionLength,
      @Key(byDefault = "0.0", min = 0, doc = "Sampling temperature; 0: greedy.") double temperature,
      @Key(byDefault = "1.0", min = 0, max = 1, aboveMin = true, doc = "Nucleus mass kept.")
          double topP,
      @Key(byDefault = "0", min = 0, doc = "Tokens kept in sampling; 0 keeps all.") int topK,
      @Key(byDefault = "null", doc = "JSONL file to write; unset: standard output.")
          @Nullable String outputFile) {}
}
