package org.grpo4j.trainer.python;

import java.math.BigInteger;
import java.text.Normalizer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Splits a Python expression into tokens, as CPython's tokenizer does. */
final class PythonTokenizer {
  /** Words that are no names. */
  static final Set<String> KEYWORDS =
      Set.of(
          "False",
          "None",
          "True",
          "and",
          "as",
          "assert",
          "async",
          "await",
          "break",
          "class",
          "continue",
          "def",
          "del",
          "elif",
          "else",
          "except",
          "finally",
          "for",
          "from",
          "global",
          "if",
          "import",
          "in",
          "is",
          "lambda",
          "nonlocal",
          "not",
          "or",
          "pass",
          "raise",
          "return",
          "try",
          "while",
          "with",
          "yield");

  /** CPython's MAXLEVEL: deeper brackets are a syntax error. */
  private static final int MAX_BRACKETS = 200;

  /** Longest first, so that the first that fits is the token. */
  private static final List<String> OPERATORS =
      List.of(
          "**=", "//=", ">>=", "<<=", "...", "**", "//", ">>", "<<", "<=", ">=", "==", "!=", "->",
          ":=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=", "<>", "+", "-", "*", "/", "%",
          "@", "&", "|", "^", "~", "<", ">", "(", ")", "[", "]", "{", "}", ",", ":", ".", ";", "=");

  private static final Pattern STRING_START =
      Pattern.compile("(?i)(rb|br|rf|fr|r|b|u|f)?(\"\"\"|'''|\"|')");
  private static final Pattern RADIX =
      Pattern.compile("0([xX](_?[0-9a-fA-F])+|[oO](_?[0-7])+|[bB](_?[01])+)");
  private static final Pattern REAL =
      Pattern.compile(
          "(\\d(_?\\d)*\\.(\\d(_?\\d)*)?|\\.\\d(_?\\d)*)([eE][+-]?\\d(_?\\d)*)?"
              + "|\\d(_?\\d)*[eE][+-]?\\d(_?\\d)*");
  private static final Pattern DECIMAL = Pattern.compile("\\d(_?\\d)*");

  /** The only words that may stand right behind a number. */
  private static final Pattern WORD_AFTER_NUMBER = Pattern.compile("and|else|for|if|in|is|or|not");

  /** Kinds of tokens. */
  enum Kind {
    NAME,
    KEYWORD,
    NUMBER,
    STRING,
    OPERATOR,
    NEWLINE,
    END
  }

  /**
   * A token.
   *
   * @param text as written; a name in its normal form
   * @param value of a number; of a text or bytes literal, {@link PythonExpression.FormattedString}
   *     for one with fields
   */
  record Token(Kind kind, String text, @Nullable Object value) {}

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private final Deque<Character> brackets = new ArrayDeque<>();
  private int at;

  private PythonTokenizer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String text) throws PythonError {
    if (text.indexOf('\0') >= 0) {
      throw new PythonError("source code string cannot contain null bytes");
    }
    PythonTokenizer tokenizer = new PythonTokenizer(text.replace("\r\n", "\n").replace('\r', '\n'));
    tokenizer.run();
    return tokenizer.tokens;
  }

  private void run() throws PythonError {
    while (skipSpace()) {
      char c = source.charAt(at);
      Matcher string = STRING_START.matcher(source).region(at, source.length());
      if (c == '\n') {
        newline();
      } else if (string.lookingAt()) {
        string(string);
      } else if (isDigit(c) || (c == '.' && at + 1 < source.length() && isDigit(next()))) {
        number();
      } else if (isIdentifierPart(source.codePointAt(at))) {
        name();
      } else {
        operator();
      }
    }
    if (!brackets.isEmpty()) {
      throw new PythonError("'" + brackets.peek() + "' was never closed");
    }
    tokens.add(new Token(Kind.END, "", null));
  }

  private char next() {
    return source.charAt(at + 1);
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  /** Skips spaces, comments and continued lines; false at the end. */
  private boolean skipSpace() throws PythonError {
    int start = at;
    while (at < source.length()) {
      char c = source.charAt(at);
      if (c == ' ' || c == '\t' || c == '\f') {
        at++;
      } else if (c == '#') {
        int end = source.indexOf('\n', at);
        at = end < 0 ? source.length() : end;
      } else if (c == '\\') {
        if (at + 2 >= source.length() || next() != '\n') {
          throw new PythonError("unexpected character after line continuation character");
        }
        at += 2;
      } else {
        // Only a line that holds a token can be indented wrongly.
        if (tokens.isEmpty() && c != '\n' && at > start && source.charAt(start) != '\\') {
          throw new PythonError("unexpected indent");
        }
        return true;
      }
    }
    return false;
  }

  /** Within brackets, and where no token stands before, a line's end means nothing. */
  private void newline() {
    at++;
    if (brackets.isEmpty() && !tokens.isEmpty()) {
      tokens.add(new Token(Kind.NEWLINE, "\n", null));
    }
  }

  private void string(Matcher start) throws PythonError {
    String prefix = start.group(1) == null ? "" : start.group(1).toLowerCase(Locale.ROOT);
    String quotes = start.group(2);
    int from = start.end();
    int end = from;
    while (!source.startsWith(quotes, end)) {
      if (end >= source.length() || (quotes.length() == 1 && source.charAt(end) == '\n')) {
        throw new PythonError("unterminated string literal");
      }
      end += source.charAt(end) == '\\' ? 2 : 1;
    }
    at = end + quotes.length();
    String body = source.substring(from, end);
    Object value = new PythonExpression.FormattedString();
    if (!prefix.contains("f")) {
      value =
          prefix.contains("b")
              ? PythonEscapes.bytes(body, prefix.contains("r"))
              : PythonEscapes.text(body, prefix.contains("r"));
    }
    tokens.add(new Token(Kind.STRING, prefix, value));
  }

  private void number() throws PythonError {
    Matcher radix = RADIX.matcher(source).region(at, source.length());
    Matcher real = REAL.matcher(source).region(at, source.length());
    Matcher decimal = DECIMAL.matcher(source).region(at, source.length());
    Object value;
    if (radix.lookingAt()) {
      at = radix.end();
      String digits = radix.group().substring(2).replace("_", "");
      int base =
          switch (Character.toLowerCase(radix.group().charAt(1))) {
            case 'x' -> 16;
            case 'o' -> 8;
            default -> 2;
          };
      value = new BigInteger(digits, base);
    } else if (real.lookingAt()) {
      at = real.end();
      value = imaginary(Double.parseDouble(real.group().replace("_", "")));
    } else if (decimal.lookingAt()) {
      at = decimal.end();
      value = integer(decimal.group().replace("_", ""));
    } else {
      throw new PythonError("invalid decimal literal");
    }
    if (at < source.length()
        && isIdentifierPart(source.codePointAt(at))
        && !WORD_AFTER_NUMBER.matcher(source).region(at, source.length()).lookingAt()) {
      throw new PythonError("invalid decimal literal");
    }
    tokens.add(new Token(Kind.NUMBER, "", value));
  }

  private Object integer(String digits) throws PythonError {
    if (at < source.length() && Character.toLowerCase(source.charAt(at)) == 'j') {
      return imaginary(Double.parseDouble(digits));
    }
    if (digits.charAt(0) == '0' && !digits.chars().allMatch(d -> d == '0')) {
      throw new PythonError("leading zeros in decimal integer literals are not permitted");
    }
    if (digits.length() > PythonNumbers.MAX_INTEGER_DIGITS) {
      throw new PythonError("Exceeds the limit for integer string conversion");
    }
    return new BigInteger(digits);
  }

  private Object imaginary(double value) {
    if (at < source.length() && Character.toLowerCase(source.charAt(at)) == 'j') {
      at++;
      return new PythonComplex(0, value);
    }
    return value;
  }

  private static boolean isIdentifierPart(int c) {
    return c == '_' || c >= 128 || (c < 128 && Character.isLetterOrDigit(c));
  }

  private void name() throws PythonError {
    int from = at;
    while (at < source.length() && isIdentifierPart(source.codePointAt(at))) {
      at += Character.charCount(source.codePointAt(at));
    }
    String name = Normalizer.normalize(source.substring(from, at), Normalizer.Form.NFKC);
    int first = name.codePointAt(0);
    boolean valid =
        (first == '_' || Character.isUnicodeIdentifierStart(first))
            && name.codePoints()
                .allMatch(
                    c ->
                        Character.isUnicodeIdentifierPart(c)
                            && !Character.isIdentifierIgnorable(c));
    if (!valid) {
      throw new PythonError("invalid character in '" + name + "'");
    }
    tokens.add(new Token(KEYWORDS.contains(name) ? Kind.KEYWORD : Kind.NAME, name, null));
  }

  private void operator() throws PythonError {
    for (String operator : OPERATORS) {
      if (source.startsWith(operator, at)) {
        at += operator.length();
        bracket(operator.charAt(0));
        tokens.add(new Token(Kind.OPERATOR, operator, null));
        return;
      }
    }
    throw new PythonError("invalid syntax at '" + source.charAt(at) + "'");
  }

  private void bracket(char c) throws PythonError {
    switch (c) {
      case '(', '[', '{' -> {
        if (brackets.size() >= MAX_BRACKETS) {
          throw new PythonError("too many nested parentheses");
        }
        brackets.push(c == '(' ? ')' : (char) (c + 2));
      }
      case ')', ']', '}' -> {
        if (brackets.isEmpty() || brackets.pop() != c) {
          throw new PythonError("unmatched '" + c + "'");
        }
      }
      default -> {}
    }
  }
}
