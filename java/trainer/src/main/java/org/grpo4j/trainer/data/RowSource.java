package org.grpo4j.trainer.data;

import java.nio.file.Path;
import org.grpo4j.torch.InputException;
import org.jspecify.annotations.Nullable;

/**
 * Where a row stands.
 *
 * @param row number of the row in the file, from 1
 * @param line line of the file at which it starts, from 1; 0 where the format has no lines
 */
record RowSource(Path file, int row, int line) {

  InputException error(String what) {
    return error(what, null);
  }

  InputException error(String what, @Nullable Throwable cause) {
    return new InputException(this + ": " + what, cause);
  }

  @Override
  public String toString() {
    return line > 0 ? file + ":" + line + " (row " + row + ")" : file + " row " + row;
  }
}
