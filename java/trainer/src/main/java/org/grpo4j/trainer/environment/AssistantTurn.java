package org.grpo4j.trainer.environment;

import java.util.List;

/**
 * One turn of the model and what came of it.
 *
 * @param text what it wrote, without special tokens
 * @param calls the calls in it, unreadable ones included
 * @param results one per call; empty where a limit kept them from being carried out
 */
public record AssistantTurn(String text, List<ToolCall> calls, List<ToolResult> results) {
  public AssistantTurn {
    calls = List.copyOf(calls);
    results = List.copyOf(results);
    if (!results.isEmpty() && results.size() != calls.size()) {
      throw new IllegalArgumentException(
          "results: want one per call, " + calls.size() + ", or none, got " + results.size());
    }
  }

  /** Calls that failed. */
  public int failures() {
    return (int) results.stream().filter(ToolResult::failed).count();
  }
}
