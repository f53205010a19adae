package org.grpo4j.trainer.serve;

/**
 * Whether a text can still become JSON (RFC 8259). Parsers tell only that a text is no JSON, not
 * whether it is because its end is missing.
 *
 * <p>Every method takes the place where something has to begin and returns the place after it,
 * {@link #OPEN} where the text ends before it does, or {@link #WRONG}.
 */
final class JsonPrefix {
  /** The text ends too early; what there is of it is right. */
  static final int OPEN = -1;

  /** No continuation makes it JSON. */
  static final int WRONG = -2;

  private static final int MAX_DEPTH = 100;

  private final String text;
  private int depth;

  private JsonPrefix(String text) {
    this.text = text;
  }

  /** An object that begins at a place of the text. */
  static int object(String text, int at) {
    return new JsonPrefix(text).container(at, '{', '}');
  }

  private int container(int at, char first, char last) {
    if (at >= text.length()) {
      return OPEN;
    }
    if (text.charAt(at) != first || depth == MAX_DEPTH) {
      return WRONG;
    }
    depth++;
    int next = skipBlanks(at + 1);
    if (next < text.length() && text.charAt(next) == last) {
      depth--;
      return next + 1;
    }
    while (true) {
      next = first == '{' ? member(next) : value(next);
      if (next < 0) {
        return next;
      }
      next = skipBlanks(next);
      if (next == text.length()) {
        return OPEN;
      }
      if (text.charAt(next) == last) {
        depth--;
        return next + 1;
      }
      if (text.charAt(next) != ',') {
        return WRONG;
      }
      next = skipBlanks(next + 1);
    }
  }

  private int member(int at) {
    int next = string(at);
    if (next < 0) {
      return next;
    }
    next = skipBlanks(next);
    if (next == text.length()) {
      return OPEN;
    }
    return text.charAt(next) == ':' ? value(skipBlanks(next + 1)) : WRONG;
  }

  private int value(int at) {
    if (at >= text.length()) {
      return OPEN;
    }
    return switch (text.charAt(at)) {
      case '{' -> container(at, '{', '}');
      case '[' -> container(at, '[', ']');
      case '"' -> string(at);
      case 't' -> word(at, "true");
      case 'f' -> word(at, "false");
      case 'n' -> word(at, "null");
      default -> number(at);
    };
  }

  private int word(int at, String word) {
    String there = text.substring(at, Math.min(text.length(), at + word.length()));
    if (!word.startsWith(there)) {
      return WRONG;
    }
    return there.length() == word.length() ? at + word.length() : OPEN;
  }

  private int string(int at) {
    if (at >= text.length()) {
      return OPEN;
    }
    if (text.charAt(at) != '"') {
      return WRONG;
    }
    int next = at + 1;
    while (next < text.length()) {
      char c = text.charAt(next);
      if (c == '"') {
        return next + 1;
      }
      if (c < ' ') {
        return WRONG;
      }
      next = c == '\\' ? escape(next + 1) : next + 1;
      if (next < 0) {
        return next;
      }
    }
    return OPEN;
  }

  private int escape(int at) {
    if (at >= text.length()) {
      return OPEN;
    }
    if (text.charAt(at) != 'u') {
      return "\"\\/bfnrt".indexOf(text.charAt(at)) < 0 ? WRONG : at + 1;
    }
    for (int i = at + 1; i <= at + 4; i++) {
      if (i >= text.length()) {
        return OPEN;
      }
      if (Character.digit(text.charAt(i), 16) < 0 || text.charAt(i) > 'f') {
        return WRONG;
      }
    }
    return at + 5;
  }

  /** A number may always go on: one that has begun ends where something else does. */
  private int number(int at) {
    int next = text.charAt(at) == '-' ? at + 1 : at;
    boolean zero = next < text.length() && text.charAt(next) == '0';
    next = zero ? next + 1 : digits(next);
    if (next >= 0 && next < text.length() && text.charAt(next) == '.') {
      next = digits(next + 1);
    }
    if (next >= 0 && next < text.length() && "eE".indexOf(text.charAt(next)) >= 0) {
      boolean signed = next + 1 < text.length() && "+-".indexOf(text.charAt(next + 1)) >= 0;
      next = digits(next + (signed ? 2 : 1));
    }
    return next;
  }

  private int digits(int at) {
    int next = at;
    while (next < text.length() && text.charAt(next) >= '0' && text.charAt(next) <= '9') {
      next++;
    }
    if (next == at) {
      return next < text.length() ? WRONG : OPEN;
    }
    return next;
  }

  private int skipBlanks(int at) {
    int next = at;
    while (next < text.length() && " \t\r\n".indexOf(text.charAt(next)) >= 0) {
      next++;
    }
    return next;
  }
}
