package org.grpo4j.torch;

import org.jspecify.annotations.Nullable;

/**
 * Something given from outside the program is wrong: a file, a configuration key, a data row.
 *
 * <p>The message is one clear line that names what was given and what to do; the command line
 * prints exactly that line and exits with a non-zero status.
 */
public final class InputException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public InputException(String message) {
    super(message);
  }

  public InputException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
