package org.grpo4j.torch.text.jinja;

/** A template that cannot be parsed or rendered; the message is one line. */
public final class TemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int line;

  TemplateException(String message) {
    this(message, 0);
  }

  TemplateException(String message, int line) {
    super(message);
    this.line = line;
  }

  /** Line of the template, from 1; 0 where it is not known. */
  public int line() {
    return line;
  }

  /** The same failure with its line, unless a more precise one is known already. */
  TemplateException at(int givenLine) {
    if (line > 0) {
      return this;
    }
    TemplateException placed = new TemplateException(String.valueOf(getMessage()), givenLine);
    placed.initCause(this);
    return placed;
  }
}
