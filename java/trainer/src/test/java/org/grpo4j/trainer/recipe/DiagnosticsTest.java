package org.grpo4j.trainer.recipe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.grpo4j.kernels.PolicyLoss;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.RowStatistics;
import org.grpo4j.kernels.weight.TokenWeights;
import org.grpo4j.torch.TorchTensors;
import org.grpo4j.trainer.fixtures.HalvesRegions;
import org.grpo4j.trainer.fixtures.TinyCheckpoint;
import org.grpo4j.trainer.weight.Region;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiagnosticsTest {
  private static final String REGIONS = "rest_regions=" + HalvesRegions.class.getName();

  @TempDir static Path folder;
  private static Path checkpoint;

  @BeforeAll
  static void makeCheckpoint() throws IOException {
    checkpoint = TinyCheckpoint.write(folder.resolve("tiny"), 1);
  }

  private static Harness harness(String... overrides) {
    return new Harness(checkpoint, i -> false, overrides);
  }

  /** The closed form against the gradient itself, whose every element is squared and added. */
  @Test
  void squaredNormsByRegionAreThoseOfTheGradient() {
    try (Harness h = harness(REGIONS, "zero_spread_groups=keep", "temperature=0.7")) {
      h.training.rolloutAndUpdates(0);
      List<ScoredCompletion> sampled = h.rollouts.get(0);
      List<MicroBatch.TokenTerms> terms = new ArrayList<>();
      for (ScoredCompletion c : sampled) {
        float[] weights = new float[c.length()];
        for (int t = 0; t < weights.length; t++) {
          weights[t] = t % 3 == 1 ? 0 : 0.1f * (t + 1);
        }
        terms.add(new MicroBatch.TokenTerms(c.withAdvantage(c.reward() - 0.4), weights, weights));
      }
      PolicyLossConfig config = LossConfigs.of(h.config.objective(), 0.7);
      try (PointerScope scope = new PointerScope()) {
        MicroBatch micro = Objects.requireNonNull(MicroBatch.of(terms, h.policy.padToken()));
        Tensor logits = micro.logits(h.policy.model()).detach();
        Tensor gradient = torch.zeros_like(logits);
        RowStatistics statistics = RowStatistics.allocate(micro.rows());
        PolicyLoss.compute(
            TorchTensors.logits(logits),
            micro.loss(),
            config,
            statistics,
            TorchTensors.logits(gradient));
        RegionGradients measured = new RegionGradients();
        RegionGradients.forEachToken(terms, micro.loss(), config, statistics, measured);
        Map<String, Double> got = measured.values();
        Map<Region, Double> expected = squaredNorms(terms, gradient);
        double whole = expected.values().stream().mapToDouble(Double::doubleValue).sum();
        assertTrue(whole > 1e-6 && expected.size() == 3, expected.toString());
        expected.forEach(
            (region, norm) ->
                assertEquals(
                    norm / whole,
                    Harness.value(got, "grad_share/" + region.name().toLowerCase(Locale.ROOT)),
                    1e-5));
        assertEquals(whole, measured.squaredNorm(), 1e-4 * whole);
      }
    }
  }

  private static Map<Region, Double> squaredNorms(
      List<MicroBatch.TokenTerms> terms, Tensor gradient) {
    long vocab = gradient.size(1);
    FloatPointer values = TorchTensors.floats(gradient);
    Map<Region, Double> norms = new EnumMap<>(Region.class);
    long row = 0;
    for (MicroBatch.TokenTerms term : terms) {
      for (int t = 0; t < term.scored().length(); t++) {
        if (term.trained(t)) {
          double sum = 0;
          for (long v = 0; v < vocab; v++) {
            double value = values.get(row * vocab + v);
            sum += value * value;
          }
          norms.merge(term.scored().regions().get(t), sum, Double::sum);
          row++;
        }
      }
    }
    return norms;
  }

  @Test
  void varianceAndSignalOfTwoHalves() {
    try (PointerScope scope = new PointerScope()) {
      Tensor p = torch.zeros(3).set_requires_grad(true);
      Tensor unused = torch.zeros(2).set_requires_grad(true);
      GradientHalves halves = new GradientHalves(List.of(p, unused), 4);
      backward(p, 1, 2, 0);
      halves.after(2, 10);
      halves.after(4, 20);
      backward(p, 3, -1, 0.5f);
      halves.after(8, 30);
      GradientHalves.Estimate estimate = halves.estimate(30).orElseThrow();
      assertEquals(4 + 9 + 0.25, estimate.variance(), 1e-6);
      assertEquals(4 * (3 - 2), estimate.signal(), 1e-5);
      GradientHalves empty = new GradientHalves(List.of(p), 4);
      empty.after(4, 0);
      assertEquals(Optional.empty(), empty.estimate(30), "the first half had no rows");
    }
  }

  private static void backward(Tensor p, float... slopes) {
    p.mul(torch.tensor(slopes)).sum().backward();
  }

  @Test
  void varianceAndSignalOfPairs() {
    try (PointerScope scope = new PointerScope()) {
      Tensor p = torch.zeros(2).set_requires_grad(true);
      try (GradientPairs pairs = new GradientPairs(List.of(p))) {
        for (float[] slopes : new float[][] {{1, 2}, {3, 0}, {1, 1}, {2, 2}}) {
          backward(p, slopes);
          pairs.take();
        }
        assertArrayEquals(new double[] {4, 1}, pairs.variances(), 1e-6);
        assertArrayEquals(new double[] {3, 4}, pairs.signals(), 1e-6);
      }
    }
  }

  @Test
  void measuringTheHalvesDoesNotChangeTheUpdate() {
    // 6 completions per micro-batch would cross the middle, at 4 of 8.
    String[] sizes = {"per_device_train_batch_size=8", "adam_epsilon=1.0", "learning_rate=1.0"};
    double[] plain = update(sizes);
    String[] more = Arrays.copyOf(sizes, 4);
    more[3] = "gradient_variance=true";
    double[] measured = update(more);
    double[] difference = new double[plain.length];
    Arrays.setAll(difference, i -> plain[i] - measured[i]);
    assertEquals(0, Harness.norm(difference) / Harness.norm(plain), 1e-5);
    try (Harness h = harness(more)) {
      h.training.rolloutAndUpdates(1);
      Map<String, Double> values = h.updates.get(0).values(false);
      double norm = h.updates.get(0).norm();
      double variance = Harness.value(values, "gradient/variance");
      assertTrue(variance > 0);
      assertEquals(
          norm * norm, variance + Harness.value(values, "gradient/signal"), 1e-4 * norm * norm);
    }
  }

  private static double[] update(String... overrides) {
    try (Harness h = harness(overrides)) {
      Map<String, float[]> before = h.weights();
      h.training.rolloutAndUpdates(1);
      return Harness.difference(before, h.weights());
    }
  }

  @Test
  void masksOfThePolicyTerm() {
    try (Harness h = harness("top_entropy_quantile=0.25", "off_policy_mask_threshold=0.5")) {
      h.training.rolloutAndUpdates(0);
      List<ScoredCompletion> batch = h.rollouts.get(0);
      List<float[]> same = batch.stream().map(ScoredCompletion::oldLogProbs).toList();
      TokenWeights top = StepWeights.of(h.config, batch, new int[] {8}, same);
      assertEquals(0.25, kept(top), 0.02, "an eighth of a token more or less");
      // Every token became e times less likely: stale where the advantage is negative.
      List<float[]> less = same.stream().map(DiagnosticsTest::lower).toList();
      TokenWeights both = StepWeights.of(h.config, batch, new int[] {8}, less);
      for (int i = 0; i < batch.size(); i++) {
        double sum = sum(both.policyWeights()[i]);
        assertEquals(batch.get(i).advantage() < 0 ? 0 : sum(top.policyWeights()[i]), sum);
        assertTrue(sum(both.regularizerWeights()[i]) > 0, "KL and entropy keep their weight");
      }
    }
  }

  private static float[] lower(float[] values) {
    float[] result = values.clone();
    for (int t = 0; t < result.length; t++) {
      result[t]--;
    }
    return result;
  }

  private static double kept(TokenWeights weights) {
    double kept = 0;
    double all = 0;
    for (float[] of : weights.policyWeights()) {
      for (float weight : of) {
        kept += weight > 0 ? 1 : 0;
        all++;
      }
    }
    return kept / all;
  }

  private static double sum(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum;
  }

  /** A finder whose halves have the same entropy but for the model's noise: weights near 1. */
  @Test
  void measuredEntropiesBecomeWeights() {
    try (Harness h = harness(REGIONS, "token_weighting=rest_entropy", "rest_schedule=none")) {
      h.training.rolloutAndUpdates(0);
      List<ScoredCompletion> sampled = h.rollouts.get(0);
      double[] sums = new double[Region.values().length];
      double[] counts = new double[sums.length];
      for (ScoredCompletion c : sampled) {
        for (int t = 0; t < c.length(); t++) {
          sums[c.regions().get(t).bit()] += c.completion().entropies()[t];
          counts[c.regions().get(t).bit()]++;
        }
      }
      h.training
          .state()
          .entropies()
          .means()
          .forEach(
              (region, mean) ->
                  assertEquals(sums[region.bit()] / counts[region.bit()], mean.entropy(), 1e-9));
      ScoredCompletion c = sampled.get(0);
      int format = c.regions().indexOf(Region.FORMAT);
      int reasoning = c.regions().indexOf(Region.REASONING);
      double expected = bound(sums, counts, Region.FORMAT) / bound(sums, counts, Region.REASONING);
      assertEquals(expected, c.tokenWeights()[format] / c.tokenWeights()[reasoning], 1e-5);
      assertEquals(1, sum(c.tokenWeights()) / c.length(), 1e-5);
    }
  }

  private static double bound(double[] sums, double[] counts, Region region) {
    return 1 / (1 - Math.exp(-sums[region.bit()] / counts[region.bit()]));
  }
}
