package org.grpo4j.trainer.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import org.grpo4j.kernels.KernelException;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.report.RunIoException;

/** What the user is told about a failure, and the exit status it ends with. */
final class Failures {
  static final int INTERNAL = 1;
  static final int BAD_INPUT = 2;

  private Failures() {}

  /** A failure whose stack trace was written to a run's log. */
  static final class Logged extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient Path log;

    Logged(Path log, Throwable cause) {
      super(cause);
      this.log = log;
    }

    Path log() {
      return log;
    }
  }

  /**
   * The one line that explains a failure which is not the program's own fault: bad input, a full
   * disk, too little memory. Empty for anything else.
   */
  static Optional<String> explain(Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof InputException || t instanceof RunIoException) {
        return Optional.of(String.valueOf(t.getMessage()));
      }
      if (t instanceof KernelException) {
        // Rows of the logits that are no numbers: the weights are not either.
        return Optional.of(
            t.getMessage()
                + "; if a run diverged, lower learning_rate or max_grad_norm and resume from an"
                + " earlier checkpoint");
      }
      String message = String.valueOf(t.getMessage());
      if (message.toLowerCase(Locale.ROOT).contains("no space left on device")) {
        return Optional.of(
            "the disk is full (%s): free some space; a run that began goes on with --resume"
                .formatted(message.lines().findFirst().orElse("")));
      }
      Optional<String> memory = outOfMemory(t);
      if (memory.isPresent()) {
        return memory;
      }
    }
    return Optional.empty();
  }

  private static Optional<String> outOfMemory(Throwable t) {
    String message = String.valueOf(t.getMessage());
    String lower = message.toLowerCase(Locale.ROOT);
    boolean torch =
        lower.contains("not enough memory")
            || lower.contains("can't allocate memory")
            || lower.contains("cannot allocate memory")
            || lower.contains("cuda out of memory");
    // JavaCPP reports exhausted native memory as an OutOfMemoryError too.
    boolean javacpp = lower.contains("physical memory usage is too high");
    if (torch
        || javacpp
        || lower.contains("native memory")
        || lower.contains("failed to allocate memory")) {
      return Optional.of(
          "out of memory: lower per_device_train_batch_size (raise gradient_accumulation_steps to"
              + " keep the batch), max_completion_length or max_prompt_length; --dry-run estimates"
              + " what a run needs");
    }
    if (t instanceof OutOfMemoryError) {
      return Optional.of(
          "out of Java heap (%s): raise it with GRPO4J_JAVA_OPTS=-Xmx4g, or train on a smaller file"
              .formatted(message.lines().findFirst().orElse("")));
    }
    return Optional.empty();
  }

  /** Prints the failure and returns the exit status. */
  static int report(Throwable failure, PrintWriter err, boolean debug) {
    Optional<String> line = explain(failure);
    err.println(
        "grpo4j: " + line.orElseGet(() -> internal(failure, debug)).replaceAll("\\s*\\R\\s*", " "));
    if (debug) {
      failure.printStackTrace(err);
    }
    err.flush();
    return line.isPresent() ? BAD_INPUT : INTERNAL;
  }

  private static String internal(Throwable failure, boolean debug) {
    Throwable cause = failure;
    String where = debug ? "" : "; run again with --debug for the stack trace";
    if (failure instanceof Logged logged && logged.getCause() != null) {
      cause = logged.getCause();
      where = "; the stack trace is in " + logged.log();
    }
    String text = cause.toString().lines().findFirst().orElse("");
    return "internal failure: " + text + where;
  }
}
