package org.grpo4j.torch.text.jinja;

import java.util.List;
import org.grpo4j.torch.text.jinja.Token.Kind;

/** The tokens of a template, read one after the other. */
class TokenReader {
  private final List<Token> tokens;
  private int at;

  TokenReader(List<Token> tokens) {
    this.tokens = tokens;
  }

  final Token peek() {
    return tokens.get(at);
  }

  final Token next() {
    Token token = tokens.get(at);
    at += token.kind() == Kind.END ? 0 : 1;
    return token;
  }

  /** The one behind peek(); there is one, unless peek() is the end. */
  final Token following() {
    return tokens.get(at + 1);
  }

  /** The last one that was read. */
  final Token previous() {
    return tokens.get(at - 1);
  }

  final boolean skipOperator(String operator) {
    boolean found = peek().isOperator(operator);
    at += found ? 1 : 0;
    return found;
  }

  final boolean skipName(String name) {
    boolean found = peek().isName(name);
    at += found ? 1 : 0;
    return found;
  }

  final void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw unexpected("'" + operator + "'");
    }
  }

  final String expectName() {
    if (peek().kind() != Kind.NAME) {
      throw unexpected("a name");
    }
    return next().text();
  }

  final TemplateException unexpected(String wanted) {
    return new TemplateException("expected " + wanted + ", got " + peek(), peek().line());
  }
}
