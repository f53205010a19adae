package org.grpo4j.torch.text.jinja;

/**
 * A piece of a template.
 *
 * @param text the text of it; for STRING without quotes and with escapes replaced
 * @param line line at which it starts, from 1
 */
record Token(Kind kind, String text, int line) {
  enum Kind {
    TEXT,
    BLOCK_BEGIN,
    BLOCK_END,
    PRINT_BEGIN,
    PRINT_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  boolean is(Kind wanted, String wantedText) {
    return kind == wanted && text.equals(wantedText);
  }

  boolean isName(String name) {
    return is(Kind.NAME, name);
  }

  boolean isOperator(String operator) {
    return is(Kind.OPERATOR, operator);
  }

  @Override
  public String toString() {
    return switch (kind) {
      case END -> "the end of the template";
      case BLOCK_END -> "'%}'";
      case PRINT_END -> "'}}'";
      default -> "'" + text + "'";
    };
  }
}
