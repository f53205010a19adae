package org.grpo4j.trainer.benchmark;

/** How a model is told of functions, and how its calls are read from what it writes. */
public enum PromptFormat {
  /**
   * BFCL's prompting mode: its default system prompt with the functions as JSON; calls as {@code
   * [f(a=1), g(b='x')]}, in the language of the functions.
   */
  PROMPT,

  /**
   * BFCL's function-calling mode for Qwen: the functions between {@code <tools>} tags, calls as
   * JSON between {@code <tool_call>} tags.
   */
  TOOLS,

  /**
   * The format that ToolRL and ResT train and evaluate: {@code <think>}, {@code <tool_call>} with a
   * JSON object on each line, {@code <response>}.
   */
  REST
}
