package org.grpo4j.trainer.selfcheck;

import java.io.IOException;
import java.nio.file.Path;

/** Checks one format of reference vectors. */
public interface VectorChecker {
  /** Whether the file holds vectors of this format; decided by its content, not by its name. */
  boolean accepts(Path file) throws IOException;

  /** Runs every case of the file and reports each one once. */
  void check(Path file, CheckReport report) throws IOException;

  /**
   * Whether the outcome depends on the kernels, so that each instruction set is a case of its own.
   */
  default boolean usesKernels() {
    return false;
  }
}
