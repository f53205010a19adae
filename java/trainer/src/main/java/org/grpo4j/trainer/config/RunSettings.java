package org.grpo4j.trainer.config;

import java.util.List;
import org.grpo4j.torch.InputException;
import org.jspecify.annotations.Nullable;

/**
 * The run folder and what is written to it.
 *
 * @param outputDir the run folder; null: runs/&lt;run name&gt;
 * @param runName name of the run; null: made from the command and the time
 * @param loggingSteps optimizer steps between rows of metrics
 * @param saveSteps optimizer steps between checkpoints; 0: only the last
 * @param saveTotalLimit checkpoints kept; null: all
 * @param evalSteps optimizer steps between evaluations; 0: only before and after
 * @param logCompletions whether completions are written per logged step
 * @param logTokens training samples per logged step that are written token by token; 0: none
 * @param numCompletionsToPrint completions shown on the terminal per logged step
 * @param reportTo sinks of the metrics
 */
public record RunSettings(
    @Key(byDefault = "null", doc = "The run folder; unset: runs/<run_name>.")
        @Nullable String outputDir,
    @Key(byDefault = "null", doc = "Name of the run; unset: the command and the time.")
        @Nullable String runName,
    @Key(byDefault = "1", min = 1, doc = "Optimizer steps between rows of metrics.")
        int loggingSteps,
    @Key(
            byDefault = "500",
            min = 0,
            source = "transformers",
            doc = "Optimizer steps between checkpoints; 0: only the last.")
        int saveSteps,
    @Key(byDefault = "null", min = 1, source = "transformers", doc = "Checkpoints kept.")
        @Nullable Integer saveTotalLimit,
    @Key(
            byDefault = "0",
            min = 0,
            doc = "Optimizer steps between evaluations; 0: only before and after.")
        int evalSteps,
    @Key(byDefault = "true", doc = "Write the completions of every logged step.")
        boolean logCompletions,
    @Key(
            byDefault = "0",
            min = 0,
            doc =
                "Training samples of every logged step written token by token to"
                    + " tokens/step-N.jsonl: ids, what was sampled, regions, weights in the loss.")
        int logTokens,
    @Key(byDefault = "0", min = 0, doc = "Completions shown on the terminal per logged step.")
        int numCompletionsToPrint,
    @Key(
            byDefault = "[tensorboard, jsonl]",
            allowed = {"tensorboard", "jsonl"},
            doc = "Where metrics go; report.html needs jsonl.")
        List<String> reportTo) {
  /** Copies what it is given, and refuses a folder without a name. */
  public RunSettings {
    if (outputDir != null && outputDir.isBlank()) {
      throw new InputException("output_dir is empty: name a folder, or leave it out");
    }
    reportTo = List.copyOf(reportTo);
  }
}
