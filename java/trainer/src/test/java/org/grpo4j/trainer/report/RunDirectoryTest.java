package org.grpo4j.trainer.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunDirectoryTest {
  @TempDir Path folder;

  private static String refused(Path root) {
    String message =
        String.valueOf(
            assertThrows(InputException.class, () -> RunDirectory.create(root)).getMessage());
    assertEquals(1, message.lines().count());
    return message;
  }

  @Test
  void aRunThatBeganIsNotOverwritten() {
    Path root = folder.resolve("run");
    RunDirectory run = RunDirectory.create(root);
    run.writeConfig("seed: 1\n");
    // Never logged a step, for example because the model was missing: free to use again.
    RunDirectory.create(root);
    run.writeCompletions(1, List.of());
    assertTrue(refused(root).contains("--resume"), refused(root));
  }

  @Test
  void foldersAndFilesOfOthersAreLeftAlone() throws IOException {
    Path other = Files.createDirectory(folder.resolve("other"));
    Files.writeString(other.resolve("thesis.txt"), "mine");
    assertTrue(refused(other).contains("not a run"));
    assertTrue(refused(other.resolve("thesis.txt")).contains("is a file"));
    assertEquals("mine", Files.readString(other.resolve("thesis.txt")));
  }

  @Test
  void resumeWantsARun() throws IOException {
    Path root = folder.resolve("run");
    assertThrows(InputException.class, () -> RunDirectory.resume(root));
    RunDirectory run = RunDirectory.create(root);
    run.writeConfig("seed: 1\n");
    // Killed before its first checkpoint: it starts over.
    assertTrue(RunDirectory.resume(root).latestCheckpoint().isEmpty());
    // A checkpoint that was being written when the run was killed does not count.
    Files.createDirectories(run.checkpoints().resolve("step-12.partial"));
    assertTrue(run.latestCheckpoint().isEmpty());
    for (int step : List.of(9, 10, 2)) {
      Files.createDirectories(run.checkpoint(step));
    }
    assertEquals(run.checkpoint(10), RunDirectory.resume(root).latestCheckpoint().orElseThrow());
    run.keepCheckpoints(1);
    assertFalse(Files.exists(run.checkpoint(9)));
    assertTrue(Files.exists(run.checkpoint(10)));
  }

  @Test
  void aFailedWriteLeavesTheOldContentsAndSaysWhy() throws IOException {
    Path root = folder.resolve("run");
    RunDirectory run = RunDirectory.create(root);
    run.writeConfig("seed: 1\n");
    Files.createDirectory(root.resolve("config.yaml.partial"));
    RunIoException failure = assertThrows(RunIoException.class, () -> run.writeConfig("seed: 2\n"));
    assertEquals(1, String.valueOf(failure.getMessage()).lines().count());
    assertEquals("seed: 1\n", Files.readString(run.config()));
    RunIoException full = new RunIoException(root, new IOException("No space left on device"));
    assertTrue(String.valueOf(full.getMessage()).contains("the disk is full"));
  }

  @Test
  void theSummaryHasItsFields() throws IOException {
    RunDirectory run = RunDirectory.create(folder.resolve("run"));
    Summary.Scores before = new Summary.Scores(1.1, 0.3, 0.19, 0.9);
    run.writeSummary(
        new Summary(before, Summary.Scores.NONE, 200, 100, 12.5, 9000, 3, "grpo+rest"));
    Map<?, ?> read = RunDirectory.JSON.readValue(run.summary().toFile(), Map.class);
    assertEquals(
        List.of(
            "reward_before",
            "reward_after",
            "exact_before",
            "exact_after",
            "sampled_before",
            "sampled_after",
            "format_before",
            "format_after",
            "eval_prompts",
            "steps",
            "seconds",
            "tokens_per_second",
            "seed",
            "objective"),
        List.copyOf(read.keySet()));
    assertEquals(0.3, read.get("exact_before"));
    assertEquals(null, read.get("exact_after"));
  }

  @Test
  void failuresGoToTheLog() throws IOException {
    RunDirectory run = RunDirectory.create(folder.resolve("run"));
    run.logFailure(new IllegalStateException("first"));
    run.logFailure(new IllegalStateException("second"));
    String log = Files.readString(run.log());
    assertTrue(log.contains("first") && log.contains("second") && log.contains("\tat "));
  }
}
