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
   * BFCL's mode for Llama 3 (but for 3.1's function calling): the texts and calls of {@link
   * #PROMPT}, in a prompt that the benchmark writes itself, without the date that the checkpoint's
   * chat template adds.
   */
  LLAMA,

  /**
   * BFCL's function-calling mode for Llama 3.1: the functions in the first message of the user,
   * calls as JSON with name and parameters, several of them with {@code ;} between or as a list.
   */
  LLAMA_JSON,

  /**
   * The format that ToolRL and ResT train and evaluate: {@code <think>}, {@code <tool_call>} with a
   * JSON object on each line, {@code <response>}.
   */
  REST
}
