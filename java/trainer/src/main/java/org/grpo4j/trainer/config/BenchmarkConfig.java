package org.grpo4j.trainer.config;

import java.util.List;
import org.grpo4j.trainer.benchmark.PromptFormat;
import org.jspecify.annotations.Nullable;

/**
 * Settings of {@code ./grpo4j eval --benchmark NAME}.
 *
 * @param model checkpoint and chat template
 * @param task what is asked and how
 * @param runtime seed, threads, instruction set
 */
public record BenchmarkConfig(ModelSettings model, Task task, RuntimeSettings runtime) {

  /**
   * The benchmark and its files.
   *
   * @param benchmark "bfcl" or "api-bank"
   * @param data folder of its files
   * @param categories parts of it; empty: all that the folder has
   * @param limit questions of each part, at most; null: all
   * @param promptFormat how BFCL's questions are asked and its answers read
   * @param underscoreToDot whether names with _ stand for BFCL's names with dots
   * @param completions answers given elsewhere, a file or folder; null: a model gives them
   * @param maxCompletionLength tokens per answer, at most
   * @param perDeviceEvalBatchSize questions answered together
   * @param temperature 0: greedy
   * @param outputDir the folder of results; null: runs/&lt;benchmark&gt;-&lt;time&gt;
   */
  public record Task(
      @Key(
              byDefault = "bfcl",
              allowed = {"bfcl", "api-bank"},
              doc = "The benchmark.")
          String benchmark,
      @Key(
              byDefault = "null",
              doc =
                  "Folder of its files: BFCL_v4_CATEGORY.json with possible_answer/, or"
                      + " level-N-api_processed.json.")
          @Nullable String data,
      @Key(
              byDefault = "[]",
              doc =
                  "Parts of the benchmark, such as [simple_python, live_multiple] or [level_1];"
                      + " empty: all that the folder has.")
          List<String> categories,
      @Key(byDefault = "null", min = 1, doc = "Questions of each part, at most.")
          @Nullable Integer limit,
      @Key(
              byDefault = "prompt",
              doc =
                  "How BFCL asks: its prompting mode (calls in Python), its function-calling mode"
                      + " for Qwen (tools, JSON), its modes for Llama 3 (llama, calls in Python;"
                      + " llama_json), or ToolRL's and ResT's tags (rest).")
          PromptFormat promptFormat,
      @Key(
              byDefault = "false",
              doc = "Take f_g for BFCL's f.g, for interfaces that allow no dot in a name.")
          boolean underscoreToDot,
      @Key(
              byDefault = "null",
              doc = "Answers given elsewhere, JSON lines of id and result; no model is loaded.")
          @Nullable String completions,
      @Key(
              byDefault = "1024",
              min = 1,
              doc = "Tokens per answer, at most; the official programs allow 4096.")
          int maxCompletionLength,
      @Key(byDefault = "8", min = 1, doc = "Questions answered together.")
          int perDeviceEvalBatchSize,
      @Key(byDefault = "0.0", min = 0, doc = "Sampling temperature; 0: greedy.") double temperature,
      @Key(byDefault = "null", doc = "Folder of the results; unset: runs/<benchmark>-<time>.")
          @Nullable String outputDir) {
    /** Copies the list. */
    public Task {
      categories = List.copyOf(categories);
    }
  }
}
