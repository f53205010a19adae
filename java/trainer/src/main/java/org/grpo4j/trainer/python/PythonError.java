package org.grpo4j.trainer.python;

/**
 * Where Python would raise: a value that is no JSON, a missing key, an operation that the value's
 * type does not have. ToolRL's reward turns every such error into its minimum and BFCL's decoder
 * into "no call", so which completions raise is part of their definition.
 */
public final class PythonError extends Exception {
  private static final long serialVersionUID = 1L;

  /**
   * @param message what Python would complain of
   */
  public PythonError(String message) {
    // Raised once per malformed completion of a batch, where the message is enough: no stack trace.
    super(message, null, false, false);
  }
}
