package org.grpo4j.trainer.recipe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.SftConfig;
import org.grpo4j.trainer.config.TrainConfig;
import org.grpo4j.trainer.fixtures.HalvesRegions;
import org.grpo4j.trainer.fixtures.TinyCheckpoint;
import org.grpo4j.trainer.report.MetricsLog;
import org.grpo4j.trainer.report.RunDirectory;
import org.grpo4j.trainer.report.Summary;
import org.grpo4j.trainer.task.EmbeddedCheckpoint;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A run that is killed and resumed ends as one that was left alone. The kill is what it leaves on
 * the disk: checkpoints up to step 4, a metrics row and completions of step 5, half a row of step
 * 6.
 */
class ResumeTest {
  private static final Set<String> TIMES = Set.of("step_time", "tokens_per_second", "resident_mib");

  @TempDir static Path folder;
  private static Path checkpoint;
  private static Path data;

  @BeforeAll
  static void makeCheckpoint() throws IOException {
    checkpoint = TinyCheckpoint.write(folder.resolve("tiny"), 3);
    data = folder.resolve("data");
    EmbeddedCheckpoint.writeData(data, 7, 5, 1);
  }

  private static PrintStream quiet() {
    return new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
  }

  private static List<String> common(int maxSteps) {
    return List.of(
        "model_name_or_path=" + checkpoint,
        "eval_file=" + data.resolve("held-out-seen.jsonl"),
        "eval_prompts=5",
        "max_steps=" + maxSteps,
        "save_steps=2",
        "learning_rate=1.0e-2",
        "warmup_steps=2",
        "seed=3",
        "num_threads=1");
  }

  private static List<String> trainSettings() {
    // Two updates on each rollout; 7 rows, so that the run passes the end of the file. No token
    // weights: what a random model writes is outside every region, where ResT's are 0.
    List<String> all = new ArrayList<>(common(6));
    all.addAll(
        List.of(
            "train_file=" + data.resolve("train.jsonl"),
            "reward_funcs=[org.grpo4j.trainer.fixtures.EvenIdsReward, toolrl]",
            "num_generations=4",
            "per_device_train_batch_size=4",
            "gradient_accumulation_steps=3",
            "num_iterations=2",
            "max_completion_length=10",
            "token_weighting=none",
            "beta=0.05"));
    return all;
  }

  private static Summary train(RunDirectory run, String... more) {
    List<String> settings = trainSettings();
    settings.addAll(List.of(more));
    return train(run, settings);
  }

  private static Summary train(RunDirectory run, List<String> settings) {
    TrainConfig config = ConfigLoader.TRAIN.load(null, settings);
    run.writeConfig(ConfigLoader.TRAIN.toYaml(config));
    Optional<Summary> summary = TrainRun.train(config, run, quiet());
    return summary.orElseThrow();
  }

  @Test
  void trainEndsAsIfItHadNotBeenKilled() throws IOException {
    RunDirectory whole = RunDirectory.create(folder.resolve("train-whole"));
    Summary expected = train(whole);
    Path killed = folder.resolve("train-killed");
    kill(whole.root(), killed);
    RunDirectory resumed = RunDirectory.resume(killed);
    assertEquals(4, RunDirectory.stepOf(resumed.latestCheckpoint().orElseThrow()));
    Summary got = train(resumed);

    sameMetrics(whole, resumed);
    sameWeights(whole, resumed);
    assertEquals(expected.before(), got.before());
    assertEquals(expected.after(), got.after());
    assertEquals(6, got.steps());
    List<Path> completions = whole.completionsFiles();
    assertEquals(3, completions.size(), "one file for each rollout: " + completions);
    assertEquals(3, resumed.completionsFiles().size());
    for (Path file : completions) {
      Path other = resumed.completionsFile(RunDirectory.stepOf(file));
      assertEquals(Files.readString(file), Files.readString(other), other.toString());
    }
    assertTrue(Files.readString(resumed.report()).contains("<html"));
  }

  /** The averages forget slowly: without those of the checkpoint the weights would differ. */
  @Test
  void theEntropyAveragesAreRestored() throws IOException {
    String[] measured = {
      "token_weighting=rest_entropy",
      "rest_regions=" + HalvesRegions.class.getName(),
      "rest_entropy_decay=0.99",
      "gradient_variance=true"
    };
    RunDirectory whole = RunDirectory.create(folder.resolve("entropy-whole"));
    train(whole, measured);
    Path killed = folder.resolve("entropy-killed");
    kill(whole.root(), killed);
    RunDirectory resumed = RunDirectory.resume(killed);
    train(resumed, measured);
    sameMetrics(whole, resumed);
    sameWeights(whole, resumed);
    Map<String, @Nullable Object> row = rows(whole).get(1);
    assertTrue(row.get("gradient/variance") instanceof Double, row.toString());
    assertTrue(row.get("token_weight/format") instanceof Double, row.toString());
  }

  @Test
  void aRunEndsWithItsTokens() {
    RunDirectory run = RunDirectory.create(folder.resolve("tokens"));
    // A rollout of 12 completions of at most 10 tokens has at least 12 tokens, with its prompts.
    Summary summary = train(run, "max_tokens=13", "eval_prompts=0", "max_steps=100");
    assertEquals(2, summary.steps(), "both updates of the first rollout");
  }

  /** Conversations of several turns, on several threads, draw the same again. */
  @Test
  void conversationsGoOnAsIfTheRunHadNotBeenKilled() throws IOException {
    List<String> settings =
        List.of(
            "train_file=embedded_multi_turn",
            "multi_turn_mode=steps",
            "num_generations=4",
            "per_device_train_batch_size=4",
            "steps_per_generation=2",
            "gradient_accumulation_steps=2",
            "zero_spread_groups=keep",
            "num_iterations=2",
            "max_steps=6",
            "save_steps=2",
            "eval_steps=0",
            "eval_prompts=4",
            "save_total_limit=5",
            "logging_steps=1");
    RunDirectory whole = RunDirectory.create(folder.resolve("turns-whole"));
    Summary expected = train(whole, settings);
    Path killed = folder.resolve("turns-killed");
    kill(whole.root(), killed);
    RunDirectory resumed = RunDirectory.resume(killed);
    Summary got = train(resumed, settings);
    sameMetrics(whole, resumed);
    sameWeights(whole, resumed);
    assertEquals(expected.after(), got.after());
    assertTrue(Files.readString(resumed.report()).contains("class=\"given\""));
  }

  @Test
  void aRunKilledBeforeItsFirstCheckpointStartsOver() throws IOException {
    RunDirectory whole = RunDirectory.create(folder.resolve("early-whole"));
    train(whole);
    Path killed = folder.resolve("early-killed");
    kill(whole.root(), killed);
    delete(killed.resolve("checkpoints"));
    RunDirectory resumed = RunDirectory.resume(killed);
    assertTrue(resumed.latestCheckpoint().isEmpty());
    train(resumed);
    sameMetrics(whole, resumed);
    sameWeights(whole, resumed);
  }

  /** The tokenizer of the checkpoint that it began with must not be needed any more. */
  @Test
  void aResumedRunOutlivesTheCheckpointItCameFrom() throws IOException {
    RunDirectory whole = RunDirectory.create(folder.resolve("limit-whole"));
    train(whole);
    Path killed = folder.resolve("limit-killed");
    kill(whole.root(), killed);
    delete(killed.resolve("checkpoints/step-4"));
    RunDirectory resumed = RunDirectory.resume(killed);
    List<String> settings = new ArrayList<>(trainSettings());
    settings.add("save_total_limit=1");
    TrainConfig config = ConfigLoader.TRAIN.load(null, settings);
    assertEquals(6, TrainRun.train(config, resumed, quiet()).orElseThrow().steps());
    assertTrue(Files.exists(resumed.checkpoint(6).resolve("tokenizer.json")));
    assertTrue(!Files.exists(resumed.checkpoint(2)));
  }

  @Test
  void sftEndsAsIfItHadNotBeenKilled() throws IOException {
    List<String> settings = new ArrayList<>(common(6));
    settings.add("train_file=" + data.resolve("warm-start.jsonl"));
    settings.add("per_device_train_batch_size=2");
    SftConfig config = ConfigLoader.SFT.load(null, settings);
    RunDirectory whole = RunDirectory.create(folder.resolve("sft-whole"));
    whole.writeConfig(ConfigLoader.SFT.toYaml(config));
    Summary expected = SftRun.train(config, whole, quiet()).orElseThrow();
    Path killed = folder.resolve("sft-killed");
    kill(whole.root(), killed);
    RunDirectory resumed = RunDirectory.resume(killed);
    Summary got = SftRun.train(config, resumed, quiet()).orElseThrow();
    sameMetrics(whole, resumed);
    sameWeights(whole, resumed);
    assertEquals(expected.after(), got.after());
  }

  /** Copies a finished run without what a kill during step 6 would have kept it from writing. */
  private static void kill(Path whole, Path killed) throws IOException {
    try (Stream<Path> all = Files.walk(whole)) {
      for (Path from : all.sorted().toList()) {
        Path to = killed.resolve(whole.relativize(from).toString());
        if (Files.isDirectory(from)) {
          Files.createDirectories(to);
        } else {
          Files.copy(from, to);
        }
      }
    }
    delete(killed.resolve("checkpoints/step-6"));
    Files.createDirectories(killed.resolve("checkpoints/step-6.partial"));
    Files.deleteIfExists(killed.resolve("summary.json"));
    Files.deleteIfExists(killed.resolve("report.html"));
    Files.deleteIfExists(killed.resolve("completions/step-6.jsonl"));
    Path metrics = killed.resolve("metrics.jsonl");
    List<String> lines = Files.readAllLines(metrics);
    List<String> kept = lines.stream().filter(line -> !line.startsWith("{\"step\":6")).toList();
    assertTrue(kept.size() < lines.size(), "no row of step 6: " + lines);
    Files.write(metrics, kept);
    Files.writeString(metrics, "{\"step\":6,\"rewa", StandardOpenOption.APPEND);
  }

  private static void delete(Path tree) throws IOException {
    try (Stream<Path> entries = Files.walk(tree)) {
      for (Path path : entries.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }

  private static void sameMetrics(RunDirectory whole, RunDirectory resumed) {
    assertEquals(rows(whole), rows(resumed));
    assertTrue(rows(whole).size() >= 6);
  }

  private static List<Map<String, @Nullable Object>> rows(RunDirectory run) {
    List<Map<String, @Nullable Object>> rows = new ArrayList<>();
    for (Map<String, @Nullable Object> row : MetricsLog.read(run.metrics())) {
      Map<String, @Nullable Object> copy = new TreeMap<>(row);
      copy.keySet().removeAll(TIMES);
      rows.add(copy);
    }
    return rows;
  }

  private static void sameWeights(RunDirectory whole, RunDirectory resumed) throws IOException {
    for (int step : new int[] {2, 4, 6}) {
      assertArrayEquals(weights(whole, step), weights(resumed, step), "weights of step " + step);
    }
    assertTrue(!Arrays.equals(weights(whole, 4), weights(whole, 6)), "nothing was learnt");
  }

  private static byte[] weights(RunDirectory run, int step) throws IOException {
    return Files.readAllBytes(run.checkpoint(step).resolve("model.safetensors"));
  }
}
