package org.grpo4j.trainer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.report.RunIoException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
  @TempDir Path folder;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... args) {
    return Main.run(new PrintWriter(out, true), new PrintWriter(err, true), args);
  }

  private String onlyErrorLine() {
    assertEquals(1, err.toString().lines().count(), err.toString());
    return err.toString().strip();
  }

  @Test
  void aMisspeltKeyIsOneLineAndStatusTwo() {
    assertEquals(2, run("train", "num_generation=4"));
    assertEquals(
        "grpo4j: unknown key 'num_generation': did you mean 'num_generations'?", onlyErrorLine());
    assertEquals("", out.toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "trian",
        "train --bogus",
        "train num_generations=0",
        "train --config /nowhere/c.yaml",
        "train --resume /nowhere/run",
        "train output_dir=/dev/null",
        "train --dry-run train_file=x model_name_or_path=/nowhere/model",
        "sft learning_rate=-1",
        "generate num_generations=0",
        "eval isa=mmx",
        "serve --model /nowhere",
        "serve port=65536",
        "serve max_context_length=100000 port=0",
        "eval --data .",
        "train output_dir=",
        "eval --benchmark bfcl",
        "eval --benchmark bfcl --data /nowhere",
        "eval --benchmark bfcl --data .",
        "eval --benchmark bfc --data .",
        "eval --benchmark bfcl --data . prompt_format=tool",
        "eval --benchmark api-bank --data .",
        "eval --benchmark bfcl --data . limt=3",
        "eval --resume /nowhere",
        "eval --resume . temperature=1",
        "selfcheck --vectors /nowhere",
        "selfcheck --backend cuda",
        "selfcheck --isa mmx --vectors .",
      })
  void badInputIsOneLineAndStatusTwo(String line) {
    assertEquals(2, run(line.split(" ")), err.toString());
    assertTrue(onlyErrorLine().startsWith("grpo4j: "), err.toString());
  }

  @Test
  void aMisspeltCommandGetsASuggestion() {
    run("trian");
    assertEquals("grpo4j: unknown command 'trian': did you mean 'train'?", onlyErrorLine());
  }

  @Test
  void resumingKeepsFolderAndSettings() throws IOException {
    Files.writeString(folder.resolve("config.yaml"), "seed: 5\n");
    Files.createDirectories(folder.resolve("checkpoints/step-3"));
    assertEquals(2, run("train", "--resume", folder.toString(), "output_dir=elsewhere"));
    assertTrue(onlyErrorLine().contains("stays in its folder"));
  }

  @Test
  void helpListsEveryKey() {
    assertEquals(0, run("train", "--help"));
    assertTrue(out.toString().contains("num_generations=8"), out.toString());
    assertTrue(out.toString().contains("embedded task: 4.0E-4"), out.toString());
    assertTrue(out.toString().lines().allMatch(line -> line.length() <= 100), out.toString());
  }

  @Test
  void helpIsACommandToo() {
    assertEquals(0, run("help", "train"));
    assertTrue(out.toString().startsWith("Usage: grpo4j train "), out.toString());
    assertEquals(0, run("help"));
    assertTrue(out.toString().contains("Usage: grpo4j [-hV]"), out.toString());
  }

  @Test
  void versionAndUsage() {
    assertEquals(0, run("--version"));
    assertTrue(out.toString().matches("grpo4j \\d+\\.\\d+\\.\\d+\\S*\\R"), out.toString());
    assertEquals(0, run());
    assertTrue(out.toString().contains("selfcheck"));
  }

  private int report(Throwable failure, boolean debug) {
    return Failures.report(failure, new PrintWriter(err, true), debug);
  }

  @Test
  void failuresThatAreNotOursAreExplained() {
    assertEquals(2, report(new RuntimeException(new InputException("rows.json line 3: x")), false));
    assertEquals("grpo4j: rows.json line 3: x", onlyErrorLine());
    IOException full = new IOException("No space left on device");
    assertTrue(
        Failures.explain(new UncheckedIOException(full)).orElse("").contains("disk is full"));
    assertTrue(
        Failures.explain(new RunIoException(folder, full)).orElse("").contains("disk is full"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory:"
            + " you tried to allocate 4000000000000 bytes. Error code 12 (Cannot allocate memory)",
        "Physical memory usage is too high: physicalBytes (8G) > maxPhysicalBytes (7G)",
        "DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes.",
      })
  void lackOfNativeMemorySaysWhatToLower(String message) {
    assertEquals(2, report(new RuntimeException(message + "\nException raised from x"), false));
    assertTrue(onlyErrorLine().contains("lower per_device_train_batch_size"), err.toString());
    assertTrue(Failures.explain(new OutOfMemoryError(message)).orElse("").contains("lower per_"));
  }

  @Test
  void lackOfJavaHeapSaysWhatToRaise() {
    String line = Failures.explain(new OutOfMemoryError("Java heap space")).orElse("");
    assertTrue(line.contains("GRPO4J_JAVA_OPTS"), line);
  }

  @Test
  void ourOwnFailuresAreStatusOne() {
    assertEquals(1, report(new IllegalStateException("a\nb"), false));
    assertTrue(onlyErrorLine().contains("--debug"), err.toString());
    assertEquals(1, report(new IllegalStateException("again"), true));
    assertTrue(err.toString().contains("\tat "));
    Path log = folder.resolve("log.txt");
    assertEquals(1, report(new Failures.Logged(log, new IllegalStateException("x")), false));
    assertTrue(err.toString().contains(log.toString()));
  }

  @Test
  void doctorNamesWhatIsHere() {
    int status = run("doctor");
    String text = out.toString();
    for (String line :
        List.of(
            "javacpp +1\\.5\\.13",
            "kernels +isa .+",
            "CUDA device +.+",
            "device=cuda +(available|not available: .+)",
            "backend cuda-emulated +(available|not available: .+)")) {
      assertTrue(text.lines().anyMatch(l -> l.matches(line)), line + " is not in " + text);
    }
    assertEquals(status == 0, text.contains("everything that a build needs is here"), text);
    assertFalse(text.contains("null"), text);
  }
}
