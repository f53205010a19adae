package org.grpo4j.trainer.weight;

import org.jspecify.annotations.Nullable;

/**
 * A call written as one JSON object, {"name": …, "arguments" or "parameters": {…}}, by the places
 * of its parts in a text. Read leniently: what is between the parts need not be valid JSON.
 *
 * @param start of the opening brace
 * @param end after the closing brace
 * @param nameStart of the name's value, inside its quotes
 * @param nameEnd after it
 * @param argumentsStart of the arguments' value; argumentsEnd where there is none
 * @param argumentsEnd after it
 */
record CallObject(
    int start, int end, int nameStart, int nameEnd, int argumentsStart, int argumentsEnd) {

  /**
   * The call whose opening brace is at a position; null where the object does not end or has no
   * name. Keys count at the top level alone: arguments may have a "name" of their own.
   */
  static @Nullable CallObject at(String text, int open) {
    Reader reader = new Reader(text, open);
    return reader.read();
  }

  /** Adds name, arguments and, as format, the object's own signs and keys around them. */
  void addTo(SpanList spans) {
    boolean nameFirst = nameStart < argumentsStart || argumentsStart == argumentsEnd;
    int[] marks =
        nameFirst
            ? new int[] {nameStart, nameEnd, argumentsStart, argumentsEnd}
            : new int[] {argumentsStart, argumentsEnd, nameStart, nameEnd};
    spans.add(Region.TOOL_NAME, nameStart, nameEnd);
    int at = start;
    for (int i = 0; i < marks.length; i += 2) {
      if (marks[i] < marks[i + 1]) {
        spans.add(Region.FORMAT, at, marks[i]);
        at = marks[i + 1];
      }
    }
    spans.add(Region.FORMAT, at, end);
    if (argumentsStart < argumentsEnd) {
      spans.add(Region.ARGUMENTS, argumentsStart, argumentsEnd);
    }
  }

  /** One pass over the object's signs. */
  private static final class Reader {
    private final String text;
    private final int open;
    private int depth;
    private String key = "";
    private boolean isValue;
    private int nameStart = -1;
    private int nameEnd = -1;
    private int argumentsStart = -1;
    private int argumentsEnd = -1;

    Reader(String text, int open) {
      this.text = text;
      this.open = open;
    }

    @Nullable CallObject read() {
      int i = open;
      while (i < text.length()) {
        char c = text.charAt(i);
        if (c == '"') {
          int close = endOfString(i + 1);
          if (close < 0) {
            return null;
          }
          string(i + 1, close);
          i = close;
        } else if (c == '{' || c == '[') {
          opened(i);
        } else if ((c == '}' || c == ']') && closed(i)) {
          return nameStart < 0 ? null : call(i + 1);
        } else if (depth == 1 && c == ':') {
          isValue = true;
        } else if (depth == 1 && c == ',') {
          isValue = false;
        }
        i++;
      }
      return null;
    }

    private CallObject call(int end) {
      boolean without = argumentsStart < 0 || argumentsEnd < 0;
      return without
          ? new CallObject(open, end, nameStart, nameEnd, nameEnd, nameEnd)
          : new CallObject(open, end, nameStart, nameEnd, argumentsStart, argumentsEnd);
    }

    /** The closing quote of the string that starts at a position, or −1. */
    private int endOfString(int from) {
      for (int i = from; i < text.length(); i++) {
        if (text.charAt(i) == '\\') {
          i++; // Whatever follows a backslash does not end the string.
        } else if (text.charAt(i) == '"') {
          return i;
        }
      }
      return -1;
    }

    private void string(int start, int end) {
      if (depth != 1) {
        return;
      }
      if (!isValue) {
        key = text.substring(start, end);
      } else if (key.equals("name") && nameStart < 0) {
        nameStart = start;
        nameEnd = end;
      }
    }

    private void opened(int at) {
      boolean arguments = key.equals("arguments") || key.equals("parameters");
      if (depth == 1 && isValue && arguments && argumentsStart < 0) {
        argumentsStart = at;
      }
      depth++;
    }

    /** Tells whether the object itself ended. */
    private boolean closed(int at) {
      depth--;
      if (depth == 1 && argumentsStart >= 0 && argumentsEnd < 0) {
        argumentsEnd = at + 1;
      }
      return depth == 0;
    }
  }
}
