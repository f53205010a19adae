package org.grpo4j.trainer.serve;

import java.util.List;

/** How a model writes tool calls into its text. */
public enum ToolCallSyntax {
  /** {@code <tool_call>{"name": …, "arguments": {…}}</tool_call>}, text around it allowed. */
  HERMES {
    @Override
    ToolCallReader reader() {
      return new HermesCallReader();
    }
  },
  /** The whole completion is {@code {"name": …, "parameters": {…}}}, or several of them. */
  LLAMA3_JSON {
    @Override
    ToolCallReader reader() {
      return new LlamaCallReader();
    }
  },
  /** Everything is content. */
  NONE {
    @Override
    ToolCallReader reader() {
      return ToolCallReader.CONTENT_ALONE;
    }
  };

  /** Reads one completion. */
  abstract ToolCallReader reader();

  /**
   * A call.
   *
   * @param name of the function
   * @param arguments a JSON object as text
   */
  record Call(String name, String arguments) {}

  /**
   * What a part of a completion was found to be.
   *
   * @param content text for the reader of the answer
   * @param calls calls that are complete
   */
  record Part(String content, List<Call> calls) {
    Part {
      calls = List.copyOf(calls);
    }
  }
}
