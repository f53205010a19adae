package org.grpo4j.trainer.python;

import java.util.ArrayList;
import java.util.List;
import org.grpo4j.trainer.python.PythonTokenizer.Kind;
import org.grpo4j.trainer.python.PythonTokenizer.Token;
import org.jspecify.annotations.Nullable;

/** The tokens of an expression and the place the parser has reached in them. */
final class PythonTokens {
  private final List<Token> tokens;
  private int at;

  PythonTokens(String source) throws PythonError {
    tokens = PythonTokenizer.tokens(source);
  }

  Token peek() {
    return tokens.get(at);
  }

  /** The token after the next; the last one again where there is none. */
  private Token second() {
    return tokens.get(Math.min(at + 1, tokens.size() - 1));
  }

  Token take() {
    Token token = tokens.get(at);
    at = Math.min(at + 1, tokens.size() - 1);
    return token;
  }

  boolean at(Kind kind) {
    return peek().kind() == kind;
  }

  /** Whether the next token is this operator or keyword. */
  boolean at(String text) {
    return is(peek(), text);
  }

  /** Whether the next token is a name and the one behind it this operator. */
  boolean atNameThen(String text) {
    return at(Kind.NAME) && is(second(), text);
  }

  /** Whether the next two tokens are these operators or keywords. */
  boolean at(String first, String second) {
    return at(first) && is(second(), second);
  }

  private static boolean is(Token token, String text) {
    return (token.kind() == Kind.OPERATOR || token.kind() == Kind.KEYWORD)
        && token.text().equals(text);
  }

  boolean accept(String text) {
    boolean here = at(text);
    if (here) {
      take();
    }
    return here;
  }

  void expect(String text) throws PythonError {
    if (!accept(text)) {
      throw new PythonError("invalid syntax: want '" + text + "' before '" + peek().text() + "'");
    }
  }

  String name() throws PythonError {
    if (!at(Kind.NAME)) {
      throw new PythonError("invalid syntax: want a name at '" + peek().text() + "'");
    }
    return take().text();
  }

  /** Takes the next token if it is one of these operators; null otherwise. */
  @Nullable String acceptAny(List<String> operators) {
    for (String operator : operators) {
      if (accept(operator)) {
        return operator;
      }
    }
    return null;
  }

  /** Text and bytes literals that stand side by side, which Python joins. */
  PythonExpression strings() throws PythonError {
    List<Token> parts = new ArrayList<>();
    while (at(Kind.STRING)) {
      parts.add(take());
    }
    StringBuilder joined = new StringBuilder();
    boolean bytes = parts.get(0).value() instanceof PythonBytes;
    boolean formatted = false;
    for (Token part : parts) {
      if (part.value() instanceof PythonBytes != bytes) {
        throw new PythonError("cannot mix bytes and nonbytes literals");
      }
      formatted |= part.value() instanceof PythonExpression.FormattedString;
      joined.append(part.value() instanceof PythonBytes b ? b.latin1() : part.value());
    }
    if (formatted) {
      return new PythonExpression.FormattedString();
    }
    Object value = bytes ? new PythonBytes(joined.toString()) : joined.toString();
    return new PythonExpression.Constant(value, parts.get(0).text().equals("u"));
  }
}
