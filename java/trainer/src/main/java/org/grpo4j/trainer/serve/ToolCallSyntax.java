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

    @Override
    String opening() {
      return "<tool_call>\n";
    }

    @Override
    List<String> argumentKeys() {
      // The model chooses: Qwen says arguments, ToolRL parameters.
      return List.of("arguments", "parameters");
    }

    @Override
    String closing() {
      return "</tool_call>";
    }
  },
  /** The whole completion is {@code {"name": …, "parameters": {…}}}, or several of them. */
  LLAMA3_JSON {
    @Override
    ToolCallReader reader() {
      return new LlamaCallReader();
    }

    @Override
    String opening() {
      return "";
    }

    @Override
    List<String> argumentKeys() {
      return List.of("parameters");
    }

    @Override
    String closing() {
      return "";
    }
  },
  /** Everything is content. */
  NONE {
    @Override
    ToolCallReader reader() {
      return ToolCallReader.CONTENT_ALONE;
    }

    @Override
    String opening() {
      return "";
    }

    @Override
    List<String> argumentKeys() {
      return List.of();
    }

    @Override
    String closing() {
      return "";
    }
  };

  /** Reads one completion. */
  abstract ToolCallReader reader();

  /** What comes before the JSON of a call. */
  abstract String opening();

  /** What the member of that JSON may be called that holds the arguments. */
  abstract List<String> argumentKeys();

  /** What ends a call; empty where the completion's end does. */
  abstract String closing();

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
