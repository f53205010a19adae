package org.grpo4j.trainer.recipe;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.grpo4j.kernels.weight.TokenWeights;
import org.grpo4j.torch.DecoderModel;
import org.grpo4j.torch.TensorKernels;
import org.grpo4j.trainer.config.TrainConfig;
import org.grpo4j.trainer.config.VarianceConfig;
import org.grpo4j.trainer.config.WeightingSettings.TokenWeighting;
import org.grpo4j.trainer.report.RunDirectory;
import org.grpo4j.trainer.report.VarianceReport;
import org.grpo4j.trainer.weight.Region;
import org.grpo4j.trainer.weight.RegionEntropies;
import org.grpo4j.trainer.weight.WeightByRegion;
import org.jspecify.annotations.Nullable;

/**
 * Measures the gradient of the objective at a fixed checkpoint over many rollouts: without token
 * weights, with both of ResT's, and of each region's tokens alone, all on the same samples.
 */
public final class VarianceRun {
  private final TrainConfig config;
  private final VarianceConfig.Measurement measurement;
  private final Policy policy;
  private final Rollouts conversations;
  private final PolicyGradient gradient;
  private final Map<TokenWeighting, RestWeighting> weightings = new LinkedHashMap<>();
  private final Map<String, GradientPairs> pairs = new LinkedHashMap<>();
  private final TokenSamples samples = new TokenSamples();
  private RegionEntropies entropies = RegionEntropies.EMPTY;

  private VarianceRun(VarianceConfig config, Policy policy, Rollouts conversations) {
    this.conversations = conversations;
    this.config = config.train();
    this.measurement = config.measurement();
    this.policy = policy;
    this.gradient =
        new PolicyGradient(
            policy,
            LossConfigs.of(this.config.objective(), this.config.generation().temperature()));
    for (TokenWeighting form : TokenWeighting.values()) {
      weightings.put(form, new RestWeighting(this.config.weighting().as(form), false));
    }
  }

  /** Samples, measures and writes variance.json and variance.html into the folder. */
  public static void measure(VarianceConfig config, RunDirectory run, PrintStream out) {
    TrainConfig train = config.train();
    Path base = Workspace.modelFolder(train.model(), run.root().resolve("base-model"));
    try (TensorKernels kernels = Workspace.applyRuntime(train.runtime(), out);
        Policy policy = Policy.load(base, true, kernels);
        Rollouts conversations = Rollouts.of(policy, train.model(), train.environment());
        DecoderModel reference =
            train.objective().beta() == 0
                ? null
                : DecoderModel.load(base, false, kernels.device())) {
      new VarianceRun(config, policy, conversations).measure(run, reference, out);
    }
  }

  private void measure(RunDirectory run, @Nullable DecoderModel reference, PrintStream out) {
    List<List<ScoredCompletion>> latest = new ArrayList<>();
    try (PolicyOptimizer optimizer =
        new PolicyOptimizer(policy.model().parameters(), config.optimizer(), 1)) {
      GrpoTraining rollouts = rollouts(reference, optimizer, latest, out);
      for (int batch = 0; batch < measurement.varianceBatches(); batch++) {
        latest.clear();
        rollouts.rolloutAndUpdates(0);
        rollout(latest.get(0));
        out.printf("rollout %d of %d%n", batch + 1, measurement.varianceBatches());
        if (batch % 2 == 1) {
          // After every pair: a measurement that is stopped leaves what it has.
          write(run);
        }
      }
    } finally {
      pairs.values().forEach(GradientPairs::close);
    }
    VarianceReport.lines(gradients()).forEach(out::println);
  }

  private void write(RunDirectory run) {
    VarianceReport.write(run.root(), gradients(), samples.byRegion(), samples.byEntropy());
  }

  private List<VarianceReport.Gradient> gradients() {
    List<VarianceReport.Gradient> gradients = new ArrayList<>();
    pairs.forEach(
        (name, of) ->
            gradients.add(new VarianceReport.Gradient(name, of.variances(), of.signals())));
    return gradients;
  }

  /** The training loop without updates: every call samples and scores the next prompts. */
  private GrpoTraining rollouts(
      @Nullable DecoderModel reference,
      PolicyOptimizer optimizer,
      List<List<ScoredCompletion>> latest,
      PrintStream out) {
    Scorer scorer = Scorer.of(policy, config);
    return new GrpoTraining(
        config,
        new GrpoTraining.Parts(
            policy,
            reference,
            PromptSets.of(config, policy, conversations, out).training(),
            conversations,
            scorer),
        optimizer,
        TrainerState.START,
        new GrpoTraining.Listener() {
          @Override
          public void rollout(List<ScoredCompletion> sampled) {
            latest.add(sampled);
          }

          @Override
          public void update(UpdateMetrics metrics, TrainerState state) {
            throw new IllegalStateException("an update was made at step " + state.step());
          }
        });
  }

  private void rollout(List<ScoredCompletion> sampled) {
    entropies = entropies(sampled);
    // Groups that were dropped have no advantage: their tokens have no gradient in any form.
    List<ScoredCompletion> batch = sampled.stream().filter(c -> c.advantage() != 0).toList();
    weightings.forEach(
        (form, weighting) -> {
          WeightByRegion byRegion =
              weighting.byRegion(entropies, 0, measurement.varianceProgress());
          List<ScoredCompletion> plain = batch.stream().map(c -> weighed(c, null)).toList();
          gradient(form.name(), weighting.weigh(plain, byRegion), form == TokenWeighting.NONE);
        });
    for (Region region : Region.values()) {
      gradient(region.name(), batch.stream().map(c -> weighed(c, region)).toList(), false);
    }
  }

  private RegionEntropies entropies(List<ScoredCompletion> sampled) {
    RestWeighting measured = weightings.get(TokenWeighting.REST_ENTROPY);
    return measured == null ? entropies : measured.measure(entropies, sampled);
  }

  /** Weight 1 on the tokens of a region, or on all. */
  private static ScoredCompletion weighed(ScoredCompletion c, @Nullable Region region) {
    float[] weights = new float[c.length()];
    for (int t = 0; t < weights.length; t++) {
      weights[t] = region == null || c.regions().get(t) == region ? 1 : 0;
    }
    return c.withTokenWeights(weights);
  }

  private void gradient(String name, List<ScoredCompletion> batch, boolean sampleTokens) {
    int size = config.optimizer().perDeviceTrainBatchSize();
    int count = (batch.size() + size - 1) / size;
    int[] ends = new int[count];
    Arrays.setAll(ends, i -> Math.min(batch.size(), (i + 1) * size));
    TokenWeights weights = StepWeights.of(config, batch, ends, null);
    int from = 0;
    for (int to : ends) {
      gradient.add(
          MicroBatch.TokenTerms.of(batch, weights, from, to),
          sampleTokens ? samples : (region, entropy, spread, squaredNorm) -> {});
      from = to;
    }
    pairs
        .computeIfAbsent(
            name.toLowerCase(Locale.ROOT),
            n -> new GradientPairs(policy.model().parameters().values()))
        .take();
  }
}
