package org.grpo4j.trainer.report;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Locale;

/**
 * A run folder could not be read or written: disk full, no permission. The message is one clear
 * line; what was written before stays readable.
 */
public final class RunIoException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public RunIoException(Path path, IOException cause) {
    super("%s: %s".formatted(path, reason(cause)), cause);
  }

  private static String reason(IOException cause) {
    String message = String.valueOf(cause.getMessage());
    if (message.toLowerCase(Locale.ROOT).contains("no space left")) {
      return "the disk is full: free some space, then continue with --resume";
    }
    if (cause instanceof AccessDeniedException) {
      return "permission denied";
    }
    if (cause instanceof NoSuchFileException) {
      return "no such file or folder";
    }
    if (cause instanceof FileAlreadyExistsException) {
      return "a file of that name is in the way";
    }
    return message.lines().findFirst().orElse("cannot be written");
  }
}
