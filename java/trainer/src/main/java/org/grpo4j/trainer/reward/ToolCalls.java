package org.grpo4j.trainer.reward;

import java.util.ArrayList;
import java.util.List;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonJson;
import org.grpo4j.trainer.python.PythonText;
import org.jspecify.annotations.Nullable;

/** The calls of a completion's first tool_call block: one JSON value per line. */
final class ToolCalls {
  static final String OPEN = "<tool_call>";
  static final String CLOSE = "</tool_call>";

  private ToolCalls() {}

  /**
   * Parses the block that the first opening tag starts. It ends at a further opening tag, a closing
   * tag or the end of the text, whichever comes first.
   *
   * @throws PythonError if there is no opening tag or a line is no JSON value (an empty line is
   *     none)
   */
  static List<@Nullable Object> parse(String text) throws PythonError {
    int open = text.indexOf(OPEN);
    if (open < 0) {
      throw new PythonError("no " + OPEN);
    }
    String block = PythonText.beforeFirst(text.substring(open + OPEN.length()), OPEN);
    String lines = PythonText.strip(PythonText.beforeFirst(block, CLOSE));
    List<@Nullable Object> calls = new ArrayList<>();
    for (String line : lines.split("\n", -1)) {
      calls.add(PythonJson.parse(line));
    }
    return calls;
  }
}
