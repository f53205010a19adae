package org.grpo4j.trainer.reward;

import org.grpo4j.trainer.python.PythonText;

/**
 * Whether a completion is well formed: the blocks that the answer has, in the order think,
 * tool_call, response.
 */
final class ToolRlFormat {
  private static final String THINK = "<think>";
  private static final String END_THINK = "</think>";
  private static final String RESPONSE = "<response>";
  private static final String END_RESPONSE = "</response>";

  private ToolRlFormat() {}

  /**
   * Judges a completion.
   *
   * @param text the completion, already stripped
   */
  static boolean matches(ToolRlOptions.Release release, String text, String answer) {
    boolean response = answer.contains(RESPONSE);
    boolean toolCall = answer.contains(ToolCalls.OPEN);
    return switch (release) {
      case TOOLRL -> matchesWhole(text, response, toolCall);
      case REST -> matchesTags(text, response, toolCall);
    };
  }

  /** ToolRL: the whole text is the blocks, each on lines of its own; think may even repeat. */
  private static boolean matchesWhole(String text, boolean response, boolean toolCall) {
    if (response && toolCall) {
      return occursOnce(text, ToolCalls.OPEN, ToolCalls.CLOSE)
          && occursOnce(text, RESPONSE, END_RESPONSE)
          && consistsOf(
              text,
              THINK,
              END_THINK + "\n" + ToolCalls.OPEN + "\n",
              "\n" + ToolCalls.CLOSE + "\n" + RESPONSE,
              END_RESPONSE);
    }
    if (response) {
      return occursOnce(text, RESPONSE, END_RESPONSE)
          && consistsOf(text, THINK, END_THINK + "\n" + RESPONSE, END_RESPONSE);
    }
    if (toolCall) {
      return occursOnce(text, ToolCalls.OPEN, ToolCalls.CLOSE)
          && consistsOf(
              text, THINK, END_THINK + "\n" + ToolCalls.OPEN + "\n", "\n" + ToolCalls.CLOSE);
    }
    return consistsOf(text, THINK, END_THINK);
  }

  /**
   * ResT: the first occurrences of the tags are in order and the blocks of the answer occur once.
   * Only an answer with calls alone forbids a further block, and an answer of neither asks for one
   * pair of think tags without looking at their order or at anything else.
   */
  private static boolean matchesTags(String text, boolean response, boolean toolCall) {
    if (response && toolCall) {
      return inOrder(
              text, THINK, END_THINK, ToolCalls.OPEN, ToolCalls.CLOSE, RESPONSE, END_RESPONSE)
          && occursOnce(text, ToolCalls.OPEN, ToolCalls.CLOSE)
          && occursOnce(text, RESPONSE, END_RESPONSE);
    }
    if (response) {
      return inOrder(text, THINK, END_THINK, RESPONSE, END_RESPONSE)
          && occursOnce(text, RESPONSE, END_RESPONSE);
    }
    if (toolCall) {
      return inOrder(text, THINK, END_THINK, ToolCalls.OPEN, ToolCalls.CLOSE)
          && occursOnce(text, ToolCalls.OPEN, ToolCalls.CLOSE)
          && !text.contains(RESPONSE)
          && !text.contains(END_RESPONSE);
    }
    return occursOnce(text, THINK, END_THINK);
  }

  private static boolean occursOnce(String text, String... parts) {
    for (String part : parts) {
      if (PythonText.count(text, part) != 1) {
        return false;
      }
    }
    return true;
  }

  /** Whether all tags occur, their first occurrences in the given order. */
  private static boolean inOrder(String text, String... tags) {
    int last = -1;
    for (String tag : tags) {
      int at = text.indexOf(tag);
      if (at <= last) {
        return false;
      }
      last = at;
    }
    return true;
  }

  /**
   * Whether the text is the parts with anything between them: the first at its start, the last at
   * its end.
   */
  private static boolean consistsOf(String text, String... parts) {
    if (!text.startsWith(parts[0])) {
      return false;
    }
    int position = parts[0].length();
    for (int i = 1; i < parts.length - 1; i++) {
      int at = text.indexOf(parts[i], position);
      if (at < 0) {
        return false;
      }
      position = at + parts[i].length();
    }
    String last = parts[parts.length - 1];
    return text.endsWith(last) && text.length() - last.length() >= position;
  }
}
