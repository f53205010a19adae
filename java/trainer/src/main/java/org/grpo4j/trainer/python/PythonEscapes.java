package org.grpo4j.trainer.python;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The values of text and bytes literals. */
final class PythonEscapes {
  private static final Pattern OCTAL = Pattern.compile("[0-7]{1,3}");
  private static final Pattern NAMED = Pattern.compile("\\{([^}]+)}");
  private static final String SIMPLE = "\\'\"abfnrtv";
  private static final String SIMPLE_VALUES = "\\'\"\u0007\b\f\n\r\t\u000b";

  private PythonEscapes() {}

  /**
   * The text of a literal.
   *
   * @param body what stands between the quotes
   * @param raw whether backslashes stand for themselves
   */
  static String text(String body, boolean raw) throws PythonError {
    return raw ? body : decode(body, false);
  }

  static PythonBytes bytes(String body, boolean raw) throws PythonError {
    if (!body.chars().allMatch(c -> c < 128)) {
      throw new PythonError("bytes can only contain ASCII literal characters");
    }
    return new PythonBytes(raw ? body : decode(body, true));
  }

  private static String decode(String body, boolean bytes) throws PythonError {
    if (body.indexOf('\\') < 0) {
      return body;
    }
    StringBuilder out = new StringBuilder(body.length());
    for (int i = 0; i < body.length(); ) {
      char c = body.charAt(i);
      // The tokenizer has seen to it that something follows a backslash.
      i = c == '\\' ? escape(body, i + 1, bytes, out) : literal(c, i, out);
    }
    return out.toString();
  }

  private static int literal(char c, int at, StringBuilder out) {
    out.append(c);
    return at + 1;
  }

  /** Decodes the escape whose letter is at {@code at}; returns where the text goes on. */
  private static int escape(String body, int at, boolean bytes, StringBuilder out)
      throws PythonError {
    char letter = body.charAt(at);
    int simple = SIMPLE.indexOf(letter);
    if (letter == '\n') {
      return at + 1;
    }
    if (simple >= 0) {
      return literal(SIMPLE_VALUES.charAt(simple), at, out);
    }
    Matcher octal = OCTAL.matcher(body).region(at, body.length());
    if (octal.lookingAt()) {
      int value = Integer.parseInt(octal.group(), 8);
      out.append((char) (bytes ? value & 0xff : value));
      return octal.end();
    }
    if (letter == 'x') {
      return hex(body, at + 1, 2, out);
    }
    if (bytes) {
      out.append('\\');
      return literal(letter, at, out);
    }
    return switch (letter) {
      case 'u' -> hex(body, at + 1, 4, out);
      case 'U' -> hex(body, at + 1, 8, out);
      case 'N' -> named(body, at + 1, out);
      default -> {
        // An unknown escape stays as it is written.
        out.append('\\');
        yield literal(letter, at, out);
      }
    };
  }

  private static int hex(String body, int from, int digits, StringBuilder out) throws PythonError {
    int end = from + digits;
    if (end > body.length() || !body.substring(from, end).matches("[0-9a-fA-F]+")) {
      throw new PythonError("truncated escape of " + digits + " hexadecimal digits");
    }
    long value = Long.parseLong(body.substring(from, end), 16);
    if (value > Character.MAX_CODE_POINT) {
      throw new PythonError("illegal Unicode character");
    }
    append((int) value, out);
    return end;
  }

  /**
   * Python keeps the halves of a surrogate pair apart that are escaped one by one, so that the text
   * equals no other with that character. In a Java text they would join: exchanged they do not.
   */
  private static void append(int codePoint, StringBuilder out) {
    int last = out.length() - 1;
    boolean low = codePoint <= Character.MAX_VALUE && Character.isLowSurrogate((char) codePoint);
    if (low && last >= 0 && Character.isHighSurrogate(out.charAt(last))) {
      out.insert(last, (char) codePoint);
    } else {
      out.appendCodePoint(codePoint);
    }
  }

  private static int named(String body, int from, StringBuilder out) throws PythonError {
    Matcher name = NAMED.matcher(body).region(from, body.length());
    if (!name.lookingAt()) {
      throw new PythonError("malformed \\N character escape");
    }
    try {
      out.appendCodePoint(Character.codePointOf(name.group(1)));
    } catch (IllegalArgumentException e) {
      throw new PythonError("unknown Unicode character name");
    }
    return name.end();
  }
}
