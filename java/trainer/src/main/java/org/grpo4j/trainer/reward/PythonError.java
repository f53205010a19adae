package org.grpo4j.trainer.reward;

/**
 * Where Python would raise: a value that is no JSON, a missing key, an operation that the value's
 * type does not have. ToolRL's reward turns every such error into its minimum, so which completions
 * raise is part of the reward's definition.
 */
final class PythonError extends Exception {
  private static final long serialVersionUID = 1L;

  PythonError(String message) {
    // Raised once per malformed completion of a batch and never shown: no stack trace.
    super(message, null, false, false);
  }
}
