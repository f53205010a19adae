package org.grpo4j.tests;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** Reference data beside the checkout; tests that need it are skipped where it is absent. */
final class SharedFiles {
  private SharedFiles() {}

  static Path get(String relative) {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      if (Files.isDirectory(at.resolve("shared/golden"))) {
        Path file = at.resolve("shared").resolve(relative);
        Assumptions.assumeTrue(Files.exists(file), file + " is absent");
        return file;
      }
    }
    Assumptions.abort("no shared/golden beside this checkout: " + relative + " is absent");
    throw new AssertionError("not reached");
  }
}
