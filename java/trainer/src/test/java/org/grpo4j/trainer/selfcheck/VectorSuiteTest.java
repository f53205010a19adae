package org.grpo4j.trainer.selfcheck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class VectorSuiteTest {
  @TempDir Path folder;
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /** Reads "p", "f", "s" as a passing, failing and skipped case, "x" as a crash. */
  private static final class Letters implements VectorChecker {
    @Override
    public boolean accepts(Path file) throws IOException {
      return file.toString().endsWith(".letters");
    }

    @Override
    public void check(Path file, CheckReport report) throws IOException {
      for (char c : Files.readString(file).toCharArray()) {
        switch (c) {
          case 'p' -> report.passed(file, "p");
          case 'f' -> report.failed(file, "f", "1", "2\n3");
          case 's' -> report.skipped(file, "s", "objective sapo comes later");
          default -> throw new IllegalStateException("crash");
        }
      }
    }
  }

  private VectorSuite suite(Path root) throws IOException {
    VectorSuite suite =
        new VectorSuite(
            List.of(new Letters()),
            List.of(),
            new PrintStream(bytes, true, StandardCharsets.UTF_8));
    suite.run(root);
    return suite;
  }

  private void write(String name, String text) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }

  @Test
  void everyFileHasALineAndEveryFailureIsShown() throws IOException {
    write("a.letters", "ppf");
    write("sub/b.letters", "sp");
    write("c.letters", "px");
    write("d.letters", "");
    write("notes.txt", "hello");
    VectorSuite suite = suite(folder);
    assertEquals(
        List.of(
            "a.letters: 2 passed, 1 failed, 0 skipped",
            "  FAILED f: expected 1, got 2\\n3",
            "c.letters: 1 passed, 1 failed, 0 skipped",
            "  FAILED after 1 cases: expected no exception, got"
                + " java.lang.IllegalStateException: crash",
            "d.letters: 0 passed, 0 failed, 1 skipped",
            "  skipped the file: it holds no case",
            "sub/b.letters: 1 passed, 0 failed, 1 skipped",
            "  skipped s: objective sapo comes later",
            "notes.txt: 0 passed, 0 failed, 1 skipped",
            "  skipped the file: no known format of vectors"),
        bytes.toString(StandardCharsets.UTF_8).lines().toList());
    assertEquals("4 passed, 2 failed, 3 skipped", suite.totals());
    assertFalse(suite.succeeded());
  }

  @Test
  void theModelBesideAReferenceBelongsToIt() throws IOException {
    write("m/r.letters", "p");
    write("m/config.json", "{}");
    write("m/model.safetensors", "");
    VectorSuite suite = suite(folder);
    assertEquals("1 passed, 0 failed, 0 skipped", suite.totals());
    assertTrue(suite.succeeded());
  }

  @Test
  void aFolderMayBeALink() throws IOException {
    write("real/a.letters", "p");
    Path link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("real"));
    assertEquals("1 passed, 0 failed, 0 skipped", suite(link).totals());
  }

  @Test
  void aDamagedCaseFailsAlone() throws IOException {
    String whole = "{\"group_ids\":[1,1],\"rewards\":[0,2],\"expected\":{\"dr_grpo\":[-1,1]}}";
    write("a.jsonl", whole + "\n{\"group_ids\":[1,\n{\"rewards\":[1]}\n" + whole + "\n");
    write("b.json", "{\"cases\":[{\"rewards\":[1]}," + whole + "]}");
    try (OutputStream out =
        new GZIPOutputStream(Files.newOutputStream(folder.resolve("c.json.gz")))) {
      out.write(("{\"cases\":[" + whole + "]}").getBytes(StandardCharsets.UTF_8));
    }
    VectorSuite suite =
        new VectorSuite(
            VectorSuite.allCheckers(),
            List.of(),
            new PrintStream(bytes, true, StandardCharsets.UTF_8));
    suite.run(folder);
    assertEquals("4 passed, 3 failed, 0 skipped", suite.totals());
    String printed = bytes.toString(StandardCharsets.UTF_8);
    assertTrue(printed.contains("FAILED case 2: expected a whole case, got"), printed);
  }

  @Test
  void nothingCheckedIsNoSuccess() throws IOException {
    assertFalse(suite(folder).succeeded());
    write("a.letters", "s");
    assertFalse(suite(folder.resolve("a.letters")).succeeded());
  }
}
