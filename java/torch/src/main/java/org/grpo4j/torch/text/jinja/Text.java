package org.grpo4j.torch.text.jinja;

/** Python's view of strings: its whitespace, and code points where Java counts chars. */
final class Text {
  private Text() {}

  /** What str.isspace() says of a char. */
  static boolean isSpace(int c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
  }

  static boolean isBlank(String text) {
    return text.chars().allMatch(Text::isSpace);
  }

  static String strip(String text, boolean left, boolean right) {
    int start = 0;
    int end = text.length();
    while (left && start < end && isSpace(text.charAt(start))) {
      start++;
    }
    while (right && end > start && isSpace(text.charAt(end - 1))) {
      end--;
    }
    return text.substring(start, end);
  }

  /** Strips every character that is in {@code set}. */
  static String strip(String text, String set, boolean left, boolean right) {
    int[] points = text.codePoints().toArray();
    int start = 0;
    int end = points.length;
    while (left && start < end && set.indexOf(points[start]) >= 0) {
      start++;
    }
    while (right && end > start && set.indexOf(points[end - 1]) >= 0) {
      end--;
    }
    return new String(points, start, end - start);
  }

  static int length(String text) {
    return text.codePointCount(0, text.length());
  }
}
