package org.grpo4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.grpo4j.trainer.cli.Main;
import org.grpo4j.trainer.report.MetricsLog;
import org.grpo4j.trainer.report.RunDirectory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real process is killed, politely and not, and its run goes on. */
class KillAndResumeTest {
  private static final int SECONDS = 120;

  @TempDir Path folder;

  private Process start(Path log, List<String> arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx512m", "-Dai.djl.offline=true", "-cp"));
    command.add(
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    command.add(Main.class.getName());
    command.addAll(arguments);
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
        .start();
  }

  private static void waitForStep(Process process, RunDirectory run, int step, Path log)
      throws IOException, InterruptedException {
    for (int i = 0; i < SECONDS * 20; i++) {
      List<Map<String, @Nullable Object>> rows = MetricsLog.read(run.metrics());
      if (!rows.isEmpty() && lastStep(rows) >= step) {
        return;
      }
      assertTrue(process.isAlive(), () -> "ended early: " + read(log));
      Thread.sleep(50);
    }
    throw new AssertionError("no step " + step + ": " + Files.readString(log));
  }

  private static int lastStep(List<Map<String, @Nullable Object>> rows) {
    return rows.get(rows.size() - 1).get("step") instanceof Number step ? step.intValue() : -1;
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      return e.toString();
    }
  }

  @Test
  void aKilledRunGoesOnAndEndsAsAnotherThatWasNot() throws IOException, InterruptedException {
    Path checkpoint = TinyCheckpoint.copyTo(folder.resolve("tiny"));
    Path root = folder.resolve("run");
    Path log = folder.resolve("log.txt");
    List<String> arguments = new ArrayList<>(TinyCheckpoint.trainSettings(checkpoint, root));
    // Longer than it will live.
    arguments.add("max_steps=100000");

    // kill -9: whatever is on the disk is what there is.
    Process first = start(log, arguments);
    RunDirectory run = waitForFolder(first, root, log);
    waitForStep(first, run, 5, log);
    first.destroyForcibly();
    assertTrue(first.waitFor(SECONDS, TimeUnit.SECONDS));
    int saved = RunDirectory.stepOf(run.latestCheckpoint().orElseThrow());
    assertTrue(saved >= 2, "checkpoint of step " + saved);
    assertFalse(Files.exists(run.summary()));

    // Ctrl-C or kill: it saves what it has and says how to go on.
    Process second = start(log, List.of("train", "--resume", root.toString()));
    waitForStep(second, run, saved + 6, log);
    second.destroy();
    assertTrue(second.waitFor(SECONDS, TimeUnit.SECONDS), "still alive after a polite kill");
    String said = Files.readString(log);
    assertTrue(said.contains("go on with: ./grpo4j train --resume " + root), said);
    assertTrue(Files.exists(run.report()), "no report of the stopped run");
    int stopped = RunDirectory.stepOf(run.latestCheckpoint().orElseThrow());
    List<Map<String, @Nullable Object>> rows = MetricsLog.read(run.metrics());
    assertEquals(stopped, lastStep(rows), "saved where it stopped");

    // The end: every step once, and the weights of a run that nobody touched.
    int end = stopped + 3;
    CommandLineRun third =
        CommandLineRun.of("train", "--resume", root.toString(), "max_steps=" + end);
    assertEquals(0, third.status(), third.err());
    List<Integer> steps = new ArrayList<>();
    for (Map<String, @Nullable Object> row : MetricsLog.read(run.metrics())) {
      if (row.containsKey("loss") && row.get("step") instanceof Number step) {
        steps.add(step.intValue());
      }
    }
    for (int i = 0; i < steps.size(); i++) {
      assertEquals(i + 1, steps.get(i));
    }
    assertEquals(end, steps.size());
    ObjectNode summary = TinyCheckpoint.object(run.summary());
    assertEquals(end, summary.get("steps").asInt());
    assertTrue(summary.get("reward_before").isNumber(), "the evaluation of the start is kept");

    Path untouched = folder.resolve("untouched");
    arguments.set(2, "output_dir=" + untouched);
    arguments.add("max_steps=" + end);
    assertEquals(0, CommandLineRun.of(arguments).status());
    assertEquals(
        -1,
        Files.mismatch(
            run.checkpoint(end).resolve("model.safetensors"),
            RunDirectory.resume(untouched).checkpoint(end).resolve("model.safetensors")),
        "weights of the killed and of the untouched run differ");
  }

  private static RunDirectory waitForFolder(Process process, Path root, Path log)
      throws InterruptedException {
    for (int i = 0; i < SECONDS * 20; i++) {
      if (Files.isDirectory(root.resolve("checkpoints/step-2"))) {
        return RunDirectory.resume(root);
      }
      assertTrue(process.isAlive(), () -> "ended early: " + read(log));
      Thread.sleep(50);
    }
    throw new AssertionError("no run folder: " + read(log));
  }
}
