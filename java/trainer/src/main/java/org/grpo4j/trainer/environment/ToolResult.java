package org.grpo4j.trainer.environment;

/**
 * What a call gave.
 *
 * @param output the text that the model is shown
 * @param failed whether the call went wrong; counted in {@code tools/failure_frequency}
 */
public record ToolResult(String output, boolean failed) {
  /** The answer of a call that was carried out. */
  public static ToolResult of(String output) {
    return new ToolResult(output, false);
  }

  /** What the model is told about a call that was not carried out. */
  public static ToolResult failure(String message) {
    return new ToolResult("error: " + message, true);
  }
}
