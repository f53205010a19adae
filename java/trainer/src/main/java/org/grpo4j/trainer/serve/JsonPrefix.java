package org.grpo4j.trainer.serve;

/**
 * Whether a text can still become JSON (RFC 8259) that a schema allows. Parsers tell only that a
 * text is no JSON, not whether it is because its end is missing.
 *
 * <p>Methods take the place where something has to begin and return the place after it, {@link
 * #OPEN} where the text ends before it does, or {@link #WRONG}. OPEN always means that there is a
 * way to the end.
 */
final class JsonPrefix {
  /** The text ends too early; what there is of it is right. */
  static final int OPEN = -1;

  /** No continuation makes it JSON that the schema allows. */
  static final int WRONG = -2;

  /** Objects and arrays in each other, at most. */
  static final int MAX_DEPTH = 100;

  private final String text;
  private int depth;

  private JsonPrefix(String text) {
    this.text = text;
  }

  /** A value that begins at a place of the text, or after blanks there. */
  static int end(String text, int at, JsonSchema schema) {
    return new JsonPrefix(text).value(skipBlanks(text, at), schema);
  }

  /** What stands in a container. */
  interface Items {
    /** One of them; never called where there may be none. */
    int read(int at);

    /** Whether the container may end after so many. */
    boolean mayEnd(int count);

    /** Whether another one may come after so many. */
    boolean mayGoOn(int count);
  }

  /** Whether a value of a schema can begin here without going too deep. */
  boolean hasRoomFor(JsonSchema schema) {
    return depth + schema.depth() <= MAX_DEPTH;
  }

  int value(int at, JsonSchema schema) {
    if (!hasRoomFor(schema)) {
      return WRONG;
    }
    return at >= text.length() ? OPEN : schema.end(this, at);
  }

  int anyValue(int at) {
    return switch (text.charAt(at)) {
      case '{' -> value(at, JsonSchema.ANY_OBJECT);
      case '[' -> value(at, JsonSchema.ANY_ARRAY);
      case '"' -> string(at);
      case 't' -> word(at, "true");
      case 'f' -> word(at, "false");
      case 'n' -> word(at, "null");
      default -> number(at);
    };
  }

  /** A colon and the value of a member whose name has ended. */
  int valueAfterColon(int at, JsonSchema schema) {
    int colon = skipBlanks(at);
    if (colon == text.length()) {
      return OPEN;
    }
    return text.charAt(colon) == ':' ? value(skipBlanks(colon + 1), schema) : WRONG;
  }

  int container(int at, char first, char last, Items items) {
    if (text.charAt(at) != first) {
      return WRONG;
    }
    depth++;
    int end = rest(skipBlanks(at + 1), last, items);
    depth--;
    return end;
  }

  private int rest(int from, char last, Items items) {
    int next = from;
    for (int count = 0; next < text.length(); count++) {
      if (text.charAt(next) == last) {
        return items.mayEnd(count) ? next + 1 : WRONG;
      }
      if (!items.mayGoOn(count)) {
        return WRONG;
      }
      if (count > 0) {
        if (text.charAt(next) != ',') {
          return WRONG;
        }
        next = skipBlanks(next + 1);
      }
      next = items.read(next);
      if (next < 0) {
        return next;
      }
      next = skipBlanks(next);
    }
    return OPEN;
  }

  /** A certain number, true, false or null. */
  int literal(int at, String wanted) {
    char first = wanted.charAt(0);
    if (first != '-' && !Character.isDigit(first)) {
      return word(at, wanted);
    }
    int end = at;
    while (end < text.length() && "+-.eE0123456789".indexOf(text.charAt(end)) >= 0) {
      end++;
    }
    // A number ends where something else begins: 1 may become 12.
    String there = text.substring(at, end);
    if (there.equals(wanted)) {
      return end;
    }
    return end == text.length() && wanted.startsWith(there) ? OPEN : WRONG;
  }

  /**
   * A certain string, its letters beyond ASCII in any spelling: where a vocabulary has one in
   * pieces alone, its escape is the way to it that shows at every step.
   */
  int string(int at, String wanted) {
    if (at == text.length()) {
      return OPEN;
    }
    if (text.charAt(at) != '"') {
      return WRONG;
    }
    int next = at + 1;
    for (int i = 0; i < wanted.length(); i++) {
      next = letter(next, wanted.charAt(i));
      if (next < 0) {
        return next;
      }
    }
    if (next == text.length()) {
      return OPEN;
    }
    return text.charAt(next) == '"' ? next + 1 : WRONG;
  }

  private int letter(int at, char wanted) {
    if (at == text.length()) {
      return OPEN;
    }
    boolean itself = wanted >= ' ' && wanted != '"' && wanted != '\\';
    if (text.charAt(at) != '\\') {
      return itself && text.charAt(at) == wanted ? at + 1 : WRONG;
    }
    // Every vocabulary has the letters of ASCII: escapes of those would only be longer.
    if (itself && wanted < 128) {
      return WRONG;
    }
    String code = "\\u%04x".formatted((int) wanted);
    int same = Math.min(code.length(), text.length() - at);
    // The u is a small one, digits may be large.
    boolean begun = text.startsWith(code.substring(0, Math.min(2, same)), at);
    if (begun && text.regionMatches(true, at, code, 0, same)) {
      return same == code.length() ? at + same : OPEN;
    }
    int simple = "\"\\\b\f\n\r\t".indexOf(wanted);
    return simple >= 0 && text.charAt(at + 1) == "\"\\bfnrt".charAt(simple) ? at + 2 : WRONG;
  }

  private int word(int at, String word) {
    String there = text.substring(at, Math.min(text.length(), at + word.length()));
    if (!word.startsWith(there)) {
      return WRONG;
    }
    return there.length() == word.length() ? at + word.length() : OPEN;
  }

  int string(int at) {
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

  int integer(int at) {
    int next = text.charAt(at) == '-' ? at + 1 : at;
    boolean zero = next < text.length() && text.charAt(next) == '0';
    next = zero ? next + 1 : digits(next);
    boolean ended = next < 0 || next == text.length() || ".eE".indexOf(text.charAt(next)) < 0;
    return ended ? next : WRONG;
  }

  /** A number may always go on: one that has begun ends where something else does. */
  int number(int at) {
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
    return skipBlanks(text, at);
  }

  /** The place after what JSON takes for blanks, which is less than Java does. */
  static int skipBlanks(String text, int at) {
    int next = at;
    while (next < text.length() && " \t\r\n".indexOf(text.charAt(next)) >= 0) {
      next++;
    }
    return next;
  }
}
