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
    List<String> openings(String name) {
      // The model chooses the key: Qwen says arguments, ToolRL parameters.
      String call = "<tool_call>\n{\"name\": " + name;
      return List.of(call + ", \"arguments\":", call + ", \"parameters\":");
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
    List<String> openings(String name) {
      return List.of("{\"name\": " + name + ", \"parameters\":");
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
    List<String> openings(String name) {
      return List.of();
    }

    @Override
    String closing() {
      return "";
    }
  };

  /** Reads one completion. */
  abstract ToolCallReader reader();

  /** What ends a call; empty where the completion's end does. */
  abstract String closing();

  /**
   * How completions begin that call a function, up to its arguments.
   *
   * @param name of the function as JSON text, quotes included
   */
  abstract List<String> openings(String name);

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
