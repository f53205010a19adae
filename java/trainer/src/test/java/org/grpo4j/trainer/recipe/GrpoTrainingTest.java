package org.grpo4j.trainer.recipe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.grpo4j.kernels.RowStatistics;
import org.grpo4j.kernels.TokenStats;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.TorchTensors;
import org.grpo4j.trainer.fixtures.EvenIdsReward;
import org.grpo4j.trainer.fixtures.TinyCheckpoint;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GrpoTrainingTest {
  @TempDir static Path folder;
  private static Path checkpoint;

  @BeforeAll
  static void makeCheckpoint() throws IOException {
    checkpoint = TinyCheckpoint.write(folder.resolve("tiny"), 1);
  }

  private static Harness harness(String... overrides) {
    return new Harness(checkpoint, i -> false, overrides);
  }

  /**
   * What one update adds to the parameters. With an epsilon of 1 AdamW's first step is lr · g /
   * (|g| + 1): smooth in the gradient, unlike the sign that a small epsilon makes of it.
   */
  private static double[] firstUpdate(String... overrides) {
    return firstUpdateOf(1, overrides);
  }

  /** The sum of a rollout's updates. */
  private static double[] firstUpdateOf(int updates, String... overrides) {
    try (Harness h = harness(overrides)) {
      Map<String, float[]> before = h.weights();
      h.training.rolloutAndUpdates(updates);
      assertEquals(updates, h.updates.size());
      return Harness.difference(before, h.weights());
    }
  }

  private static double[] firstUpdate(String lossType, int perDevice, int accumulation) {
    return firstUpdate(
        "loss_type=" + lossType,
        "per_device_train_batch_size=" + perDevice,
        "gradient_accumulation_steps=" + accumulation,
        "adam_epsilon=1.0",
        "learning_rate=1.0");
  }

  private static double relativeDistance(double[] a, double[] b) {
    double[] difference = new double[a.length];
    for (int i = 0; i < a.length; i++) {
      difference[i] = a[i] - b[i];
    }
    return Harness.norm(difference) / Harness.norm(a);
  }

  @ParameterizedTest
  @ValueSource(strings = {"dapo", "grpo", "dr_grpo", "sapo", "vespo", "luspo", "gmpo", "gpg"})
  void accumulatedGradientsEqualOneBigBatch(String lossType) {
    double[] whole = firstUpdate(lossType, 8, 1);
    assertTrue(Harness.norm(whole) > 1e-3, "nothing was learnt: " + Harness.norm(whole));
    // 4 x 2 splits groups of 4 in halves, 2 x 4 keeps them.
    assertEquals(0, relativeDistance(whole, firstUpdate(lossType, 2, 4)), 1e-5);
    assertEquals(0, relativeDistance(whole, firstUpdate(lossType, 4, 2)), 1e-5);
  }

  /** From one rollout each: the second update's ratios are the first that are not 1. */
  @Test
  void theRatioLevelAndTheObjectiveDecideTheSecondUpdate() {
    double[] token = secondUpdate();
    double[] sequence = secondUpdate("importance_sampling_level=sequence");
    double[] cispo = secondUpdate("loss_type=cispo", "epsilon_high=5.0");
    assertTrue(relativeDistance(token, sequence) > 1e-3);
    assertTrue(relativeDistance(token, cispo) > 1e-3);
    assertEquals(0, relativeDistance(token, secondUpdate("importance_sampling_level=token")), 1e-5);
  }

  @Test
  void samplingInPartsChangesNoSample() {
    try (Harness whole = harness();
        Harness parts = harness("per_device_generation_batch_size=3")) {
      whole.training.rolloutAndUpdates(0);
      parts.training.rolloutAndUpdates(0);
      assertEquals(8, parts.rollouts.get(0).size());
      for (int i = 0; i < 8; i++) {
        ScoredCompletion a = whole.rollouts.get(0).get(i);
        ScoredCompletion b = parts.rollouts.get(0).get(i);
        assertArrayEquals(a.completion().tokens(), b.completion().tokens());
        assertEquals(a.group(), b.group());
        assertEquals(a.prompt().text(), b.prompt().text());
      }
    }
  }

  @Test
  void theBiasCorrectionOfTheKlReachesTheKernel() {
    double[] plain = secondUpdate("beta=0.5");
    double[] corrected = secondUpdate("beta=0.5", "use_bias_correction_kl=true");
    assertTrue(relativeDistance(plain, corrected) > 1e-4);
  }

  private static double[] secondUpdate(String... overrides) {
    String[] all = java.util.Arrays.copyOf(overrides, overrides.length + 2);
    all[overrides.length] = "num_iterations=2";
    all[overrides.length + 1] = "learning_rate=1.0e-2";
    return firstUpdateOf(2, all);
  }

  @Test
  void settingsThatTheObjectiveCanNotUse() {
    InputException bound =
        assertThrows(InputException.class, () -> firstUpdate("loss_type=cispo").clone());
    assertTrue(String.valueOf(bound.getMessage()).contains("epsilon_high is unset"));
    InputException correction =
        assertThrows(
            InputException.class,
            () -> firstUpdate("loss_type=vespo", "rollout_correction=truncate").clone());
    assertTrue(String.valueOf(correction.getMessage()).contains("set it to none"));
  }

  @Test
  void denominatorsOfMicroBatchesDoShow() {
    // bnpo is defined by them: the comparison above would notice.
    assertTrue(relativeDistance(firstUpdate("bnpo", 8, 1), firstUpdate("bnpo", 2, 4)) > 1e-2);
    assertEquals(0, relativeDistance(firstUpdate("bnpo", 8, 1), firstUpdate("dapo", 8, 1)), 1e-5);
  }

  @Test
  void ratiosOfAFreshRolloutAreOneAndMoveWithTheFirstUpdate() {
    try (Harness h = harness("num_iterations=2", "temperature=0.8", "learning_rate=1.0e-2")) {
      h.training.rolloutAndUpdates(100);
      assertEquals(2, h.updates.size());
      assertTrue(h.updates.get(0).fresh());
      assertTrue(h.updates.get(0).ratioDeviation() <= 1e-4);
      assertEquals(0, Harness.value(h.updates.get(0).values(false), "clip_ratio/region_mean"));
      assertTrue(h.updates.get(1).ratioDeviation() > 1e-2);
      assertTrue(Harness.value(h.updates.get(1).values(false), "clip_ratio/region_mean") > 0);
    }
  }

  @Test
  void samplingLogProbsEqualTheTrainersOnTheSameTokens() {
    try (Harness h = harness("temperature=0.8")) {
      h.training.rolloutAndUpdates(0);
      List<ScoredCompletion> sampled = h.rollouts.get(0);
      try (PointerScope scope = new PointerScope();
          NoGradGuard guard = new NoGradGuard()) {
        MicroBatch all = MicroBatch.allTokens(sampled, h.policy.padToken());
        RowStatistics statistics = RowStatistics.allocate(all.rows());
        TokenStats.compute(
            TorchTensors.logits(all.logits(h.policy.model())),
            all.loss().targets(),
            null,
            0.8f,
            statistics);
        List<float[]> logProbs = MicroBatch.split(statistics.logProbs(), sampled);
        List<float[]> entropies = MicroBatch.split(statistics.entropy(), sampled);
        for (int i = 0; i < sampled.size(); i++) {
          float[] sampling = sampled.get(i).completion().samplingLogProbs();
          assertEquals(sampling.length, logProbs.get(i).length);
          for (int t = 0; t < sampling.length; t++) {
            double ratio = Math.exp((double) logProbs.get(i)[t] - sampling[t]);
            assertEquals(1, ratio, 1e-4, "completion " + i + " token " + t);
          }
          assertArrayEquals(sampled.get(i).completion().entropies(), entropies.get(i), 1e-4f);
        }
      }
    }
  }

  @Test
  void groupsWithoutSpreadAreDropped() {
    try (Harness h = new Harness(checkpoint, i -> i % 2 == 0, "zero_spread_groups=drop")) {
      h.training.rolloutAndUpdates(1);
      List<ScoredCompletion> sampled = h.rollouts.get(0);
      assertEquals(8, sampled.size());
      assertEquals(0.5, Harness.value(RolloutMetrics.of(sampled), "frac_reward_zero_std"));
      assertEquals(tokens(sampled.subList(4, 8)), h.updates.get(0).rows());
    }
  }

  @Test
  void nothingIsLearntFromGroupsWithoutSpread() {
    try (Harness h = new Harness(checkpoint, i -> true, "zero_spread_groups=drop")) {
      Map<String, float[]> before = h.weights();
      h.training.rolloutAndUpdates(5);
      // The step counts and its gradient is 0: schedules and the end of the run stay in place.
      assertEquals(1, h.training.state().step());
      assertEquals(0, h.updates.get(0).rows());
      assertEquals(0, h.updates.get(0).norm());
      assertEquals(0, Harness.norm(Harness.difference(before, h.weights())));
    }
  }

  @Test
  void keptGroupsWithoutSpreadCountInTheWeightsButGiveNoGradient() {
    try (Harness keep = new Harness(checkpoint, i -> true, "zero_spread_groups=keep")) {
      Map<String, float[]> before = keep.weights();
      keep.training.rolloutAndUpdates(1);
      assertEquals(tokens(keep.rollouts.get(0)), keep.updates.get(0).rows());
      assertEquals(0, Harness.norm(Harness.difference(before, keep.weights())), 1e-9);
    }
    try (Harness keep = new Harness(checkpoint, i -> i % 2 == 0, "zero_spread_groups=keep")) {
      keep.training.rolloutAndUpdates(1);
      assertEquals(tokens(keep.rollouts.get(0)), keep.updates.get(0).rows());
      assertTrue(keep.updates.get(0).norm() > 0);
    }
  }

  @Test
  void groupsWithoutSpreadAreDrawnAgain() {
    // Draws 0, 1, 2 are flat; 2 prompts are wanted: rounds draw (0 1), (2 3), (4).
    try (Harness h = new Harness(checkpoint, i -> i < 3, "zero_spread_groups=resample")) {
      h.training.rolloutAndUpdates(1);
      assertEquals(5, h.training.state().promptsDrawn());
      List<ScoredCompletion> sampled = h.rollouts.get(0);
      assertEquals(20, sampled.size());
      assertEquals(
          3.0 / 5, Harness.value(RolloutMetrics.of(sampled), "frac_reward_zero_std"), 1e-12);
      assertEquals(tokens(sampled.subList(12, 20)), h.updates.get(0).rows());
    }
  }

  @Test
  void drawingAgainEndsWhereNoGroupHasSpread() {
    try (Harness h = new Harness(checkpoint, i -> true, "zero_spread_groups=resample")) {
      h.training.rolloutAndUpdates(1);
      assertEquals(20, h.training.state().promptsDrawn());
      assertEquals(0, h.updates.get(0).rows());
    }
  }

  private static long tokens(List<ScoredCompletion> completions) {
    return completions.stream().mapToLong(ScoredCompletion::length).sum();
  }

  @Test
  void aUsersRewardReachesRewardsAdvantagesAndMetrics() {
    try (Harness h = harness("zero_spread_groups=keep", "scale_rewards=none")) {
      h.training.rolloutAndUpdates(0);
      List<ScoredCompletion> sampled = h.rollouts.get(0);
      double mean = 0;
      for (ScoredCompletion c : sampled) {
        double expected = EvenIdsReward.fraction(c.completion().ids());
        assertEquals(expected, c.reward());
        assertEquals(Map.of("even_ids", expected), c.rewards());
        mean += expected / 8;
      }
      assertEquals(mean, Harness.value(RolloutMetrics.of(sampled), "reward"), 1e-12);
      assertEquals(mean, Harness.value(RolloutMetrics.of(sampled), "rewards/even_ids/mean"), 1e-12);
      assertEquals(
          1 - mean,
          Harness.value(RolloutMetrics.of(sampled), "rewards/even_ids/odd_ids/mean"),
          1e-12);
      for (int group = 0; group < 8; group += 4) {
        List<ScoredCompletion> four = sampled.subList(group, group + 4);
        double groupMean =
            four.stream().mapToDouble(ScoredCompletion::reward).average().orElseThrow();
        four.forEach(c -> assertEquals(c.reward() - groupMean, c.advantage(), 1e-6));
      }
    }
  }

  @Test
  void theRewardRises() {
    try (Harness h = harness("learning_rate=1.0e-2", "per_device_train_batch_size=64")) {
      List<Double> rewards = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        h.training.rolloutAndUpdates(100);
        rewards.add(Harness.value(RolloutMetrics.of(h.rollouts.get(i)), "reward"));
      }
      // From half of the ids to nearly all, give or take 0.04 (64 fractions of deviation 0.3).
      assertTrue(rewards.get(0) < 0.7 && rewards.get(19) > 0.9, rewards.toString());
    }
  }

  @Test
  void truncatedCompletionsAreLeftOutOnDemand() {
    try (Harness all = harness("zero_spread_groups=keep");
        Harness masked = harness("zero_spread_groups=keep", "mask_truncated_completions=true")) {
      all.training.rolloutAndUpdates(1);
      masked.training.rolloutAndUpdates(1);
      List<ScoredCompletion> sampled = all.rollouts.get(0);
      List<ScoredCompletion> ended =
          sampled.stream().filter(c -> c.completion().finished()).toList();
      assertTrue(!ended.isEmpty() && ended.size() < 8, ended.size() + " of 8 ended");
      assertEquals(tokens(sampled), all.updates.get(0).rows());
      assertEquals(tokens(ended), masked.updates.get(0).rows());
    }
  }

  @Test
  void theKlToAReferenceStartsAtZeroAndGrows() {
    try (Harness h = harness("beta=0.1", "num_iterations=2", "learning_rate=1.0e-2")) {
      h.training.rolloutAndUpdates(100);
      assertEquals(0, Harness.value(h.updates.get(0).values(true), "kl"), 1e-7);
      assertTrue(Harness.value(h.updates.get(1).values(true), "kl") > 1e-4);
    }
  }

  @Test
  void aRolloutIsSplitIntoUpdatesByWholeGroups() {
    try (Harness h = harness("per_device_train_batch_size=4", "steps_per_generation=2")) {
      h.training.rolloutAndUpdates(100);
      List<ScoredCompletion> sampled = h.rollouts.get(0);
      assertEquals(2, h.updates.size());
      assertEquals(tokens(sampled.subList(0, 4)), h.updates.get(0).rows());
      assertEquals(tokens(sampled.subList(4, 8)), h.updates.get(1).rows());
      assertTrue(h.updates.get(0).fresh() && !h.updates.get(1).fresh());
    }
  }

  @Test
  void updatesEndWithTheRun() {
    try (Harness h = harness("num_iterations=3")) {
      h.training.rolloutAndUpdates(2);
      assertEquals(2, h.training.state().step());
      assertEquals(tokens(h.rollouts.get(0)), h.training.state().completionTokens());
      assertEquals(1, h.training.state().rollout());
    }
  }

  @Test
  void rolloutCorrectionOfAnExactSamplerChangesNothing() {
    double[] plain = firstUpdate("adam_epsilon=1.0", "learning_rate=1.0");
    double[] corrected =
        firstUpdate("adam_epsilon=1.0", "learning_rate=1.0", "rollout_correction=truncate");
    assertEquals(0, relativeDistance(plain, corrected), 1e-4);
  }
}
