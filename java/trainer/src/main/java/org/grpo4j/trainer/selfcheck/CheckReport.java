package org.grpo4j.trainer.selfcheck;

import java.nio.file.Path;

/** Receives the outcome of each case. */
public interface CheckReport {
  void passed(Path file, String caseName);

  /**
   * @param expected the reference value, short enough for one line
   * @param got what this program computed
   */
  void failed(Path file, String caseName, String expected, String got);

  /**
   * @param why what is missing, for example the objective's name
   */
  void skipped(Path file, String caseName, String why);
}
