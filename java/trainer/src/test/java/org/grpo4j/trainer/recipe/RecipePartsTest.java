package org.grpo4j.trainer.recipe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.TensorKernels;
import org.grpo4j.trainer.fixtures.TinyCheckpoint;
import org.grpo4j.trainer.report.RunDirectory;
import org.grpo4j.trainer.rollout.Completion;
import org.grpo4j.trainer.weight.Region;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The small parts around the training loop. */
class RecipePartsTest {
  @TempDir Path folder;

  /** The sizes: one row, two, a prime that no batch divides, more than a thousand. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 13, 1024})
  void everyPassIsAPermutationOfItsOwn(int size) {
    ShuffledOrder order = new ShuffledOrder(size, 9);
    int[] identity = IntStream.range(0, size).toArray();
    int[][] passes = new int[3][size];
    for (int pass = 0; pass < 3; pass++) {
      for (int i = 0; i < size; i++) {
        passes[pass][i] = order.at((long) pass * size + i);
      }
      int[] sorted = passes[pass].clone();
      Arrays.sort(sorted);
      assertArrayEquals(identity, sorted, "pass " + pass);
    }
    if (size > 10) {
      assertFalse(Arrays.equals(passes[0], passes[1]));
      assertFalse(Arrays.equals(passes[0], identity));
    }
    // A resumed run asks in the middle, without what came before.
    ShuffledOrder resumed = new ShuffledOrder(size, 9);
    assertEquals(passes[2][size / 2], resumed.at(2L * size + size / 2));
    assertEquals(passes[0][0], resumed.at(0));
  }

  @Test
  void positionsOfAShuffleAreEquallyLikely() {
    int[][] counts = new int[4][4];
    for (int seed = 0; seed < 4000; seed++) {
      int[] order = ShuffledOrder.permutation(4, seed);
      for (int i = 0; i < 4; i++) {
        counts[i][order[i]]++;
      }
    }
    // 1000 expected, standard deviation 27.
    for (int[] row : counts) {
      for (int count : row) {
        assertEquals(1000, count, 110);
      }
    }
  }

  @Test
  void anOrderOverNothingIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> new ShuffledOrder(0, 1));
  }

  @Test
  void aWindowGivesMeansOverWhatHadAValue() {
    MetricsWindow window = new MetricsWindow(MetricsWindow.Content.EMPTY);
    window.add(Map.of("loss", 1.0, "kl", 5.0));
    window.add(Map.of("loss", 4.0));
    assertEquals(Map.of("loss", 2.5, "kl", 5.0), window.drain(1, 10));
    assertEquals(Map.of(), window.drain(1, 10));
    window.add(Map.of("loss", 7.0));
    assertEquals(Map.of("loss", 7.0), window.drain(3, 30));
    assertEquals(2, window.seconds(5));
    assertEquals(4, window.tokens(34));
  }

  @Test
  void aWindowKeepsExtremes() {
    MetricsWindow window = new MetricsWindow(MetricsWindow.Content.EMPTY);
    window.add(Map.of("ratio/min", 0.9, "ratio/max", 1.5, "sampling/ratio_deviation", 1e-5));
    window.add(Map.of("ratio/min", 0.7, "ratio/max", 1.1, "sampling/ratio_deviation", 3e-5));
    assertEquals(
        Map.of("ratio/min", 0.7, "ratio/max", 1.5, "sampling/ratio_deviation", 3e-5),
        window.drain(0, 0));
  }

  @Test
  void aWindowGoesOnFromACheckpoint() {
    MetricsWindow first = new MetricsWindow(MetricsWindow.Content.EMPTY);
    first.add(Map.of("loss", 1.0));
    MetricsWindow second = new MetricsWindow(first.content());
    second.add(Map.of("loss", 4.0));
    assertEquals(Map.of("loss", 2.5), second.drain(1, 1));
  }

  @Test
  void interruptionIsNotRequestedByItselfAndLeavesNothingBehind() {
    for (int i = 0; i < 3; i++) {
      try (Interruption interruption = new Interruption()) {
        assertFalse(interruption.requested());
      }
    }
  }

  private static ScoredCompletion completion(
      Policy policy, long group, double reward, boolean finished, float... entropies) {
    int n = entropies.length;
    int[] tokens = new int[n];
    Arrays.fill(tokens, 300);
    float[] weights = new float[n];
    for (int t = 0; t < n; t++) {
      weights[t] = t + 1;
    }
    List<Region> regions =
        IntStream.range(0, n).mapToObj(t -> t == 0 ? Region.FORMAT : Region.REASONING).toList();
    return new ScoredCompletion(
        group,
        Harness.prompt(PromptSets.renderer(policy, Harness.config().model(), null), 0, false),
        new Completion(0, tokens, new float[n], entropies, finished),
        "some text",
        Map.of("f", reward),
        Map.of("part", reward / 2),
        reward,
        regions,
        new byte[n],
        weights,
        0,
        new float[n],
        null);
  }

  @Test
  void rolloutMetricsByHand() throws IOException {
    Path checkpoint = TinyCheckpoint.write(folder.resolve("tiny"), 1);
    try (Policy policy = Policy.load(checkpoint, false, TensorKernels.onHost())) {
      Map<String, Double> values =
          RolloutMetrics.of(
              List.of(
                  completion(policy, 0, 1, true, 2, 4),
                  completion(policy, 0, 3, false, 1, 1, 1, 1),
                  completion(policy, 1, 2, true, 3),
                  completion(policy, 1, 2, true, 6, 2, 5)));
      // Sample standard deviations: √2 in the first group, 0 in the second; √(2/3) over all.
      assertClose(2, values, "reward");
      assertClose(Math.sqrt(2) / 2, values, "reward_std");
      assertClose(0.5, values, "frac_reward_zero_std");
      assertClose(2, values, "rewards/f/mean");
      assertClose(Math.sqrt(2 / 3.0), values, "rewards/f/std");
      assertClose(1, values, "rewards/part/mean");
      assertClose(0, values, "exact");
      assertClose(2.5, values, "completions/mean_length");
      assertClose(1, values, "completions/min_length");
      assertClose(4, values, "completions/max_length");
      assertClose(2, values, "completions/mean_terminated_length");
      assertClose(0.25, values, "completions/clipped_ratio");
      assertClose((2 + 1 + 3 + 6) / 4.0, values, "entropy/format");
      assertClose((4 + 1 + 1 + 1 + 2 + 5) / 6.0, values, "entropy/reasoning");
      assertClose(1, values, "token_weight/format");
      assertClose((2 + 2 + 3 + 4 + 2 + 3) / 6.0, values, "token_weight/reasoning");
    }
  }

  private static void assertClose(double expected, Map<String, Double> values, String name) {
    assertEquals(expected, values.getOrDefault(name, Double.NaN), 1e-12, name);
  }

  @Test
  void aCheckpointBringsBackWeightsMomentsAndCounters() throws IOException {
    Path checkpoint = TinyCheckpoint.write(folder.resolve("tiny"), 1);
    RunDirectory run = RunDirectory.create(folder.resolve("run"));
    try (Harness h = new Harness(checkpoint, i -> false, "learning_rate=1.0e-2")) {
      h.training.rolloutAndUpdates(100);
      h.training.rolloutAndUpdates(100);
      Evaluator.Result before = new Evaluator.Result(4, 1.5, 0.25, 0.5, 0.25, 1.25, 1);
      TrainerState state = h.training.state().withBefore(before);
      Path saved = Checkpoints.save(run, h.policy, h.optimizer, state);
      assertEquals(run.checkpoint(2), saved);
      assertEquals(saved, run.latestCheckpoint().orElseThrow());
      assertEquals(state, Checkpoints.readState(saved));
      try (Policy policy = Policy.load(saved, true, TensorKernels.onHost());
          PolicyOptimizer optimizer =
              new PolicyOptimizer(policy.model().parameters(), h.config.optimizer(), 100)) {
        assertEquals(0, distance(h.weights(), Harness.weights(policy.model())));
        Checkpoints.readOptimizer(saved, optimizer);
        // The moments alone move the weights now: no new gradient, and the same way in both.
        policy.model().parameters().values().forEach(t -> t.mul(t).sum().backward());
        h.policy.model().parameters().values().forEach(t -> t.mul(t).sum().backward());
        optimizer.step(2);
        h.optimizer.step(2);
        assertEquals(0, distance(h.weights(), Harness.weights(policy.model())));
      }
      // Saving again replaces, and nothing half-written stays beside it.
      Checkpoints.save(run, h.policy, h.optimizer, state);
      try (var entries = Files.list(saved.getParent())) {
        assertEquals(List.of(saved), entries.toList());
      }
    }
  }

  private static double distance(Map<String, float[]> a, Map<String, float[]> b) {
    assertEquals(a.keySet(), b.keySet());
    return Harness.norm(Harness.difference(a, b));
  }

  @Test
  void aDamagedCheckpointIsNamed() throws IOException {
    Path damaged = Files.createDirectories(folder.resolve("step-1"));
    assertNames(damaged, () -> Checkpoints.readState(damaged));
    Files.writeString(damaged.resolve("trainer_state.json"), "{\"step\": ");
    assertNames(damaged, () -> Checkpoints.readState(damaged));
    Files.writeString(damaged.resolve("optimizer.pt"), "cut off");
    Path checkpoint = TinyCheckpoint.write(folder.resolve("tiny"), 1);
    try (Harness h = new Harness(checkpoint, i -> false)) {
      assertNames(damaged, () -> Checkpoints.readOptimizer(damaged, h.optimizer));
    }
  }

  private static void assertNames(Path file, Runnable action) {
    InputException e = assertThrows(InputException.class, action::run);
    String message = String.valueOf(e.getMessage());
    assertTrue(message.contains(file.toString()) && message.lines().count() == 1, message);
  }
}
