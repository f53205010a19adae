package org.grpo4j.trainer.recipe;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.kernels.weight.TokenWeights;
import org.grpo4j.torch.DecoderModel;
import org.grpo4j.torch.TensorKernels;
import org.grpo4j.trainer.advantage.AdvantageInput;
import org.grpo4j.trainer.advantage.Groups;
import org.grpo4j.trainer.config.EnvironmentSettings.MultiTurnMode;
import org.grpo4j.trainer.config.ObjectiveSettings;
import org.grpo4j.trainer.config.ObjectiveSettings.ZeroSpread;
import org.grpo4j.trainer.config.TrainConfig;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.rollout.Completion;
import org.grpo4j.trainer.rollout.SamplingConfig;
import org.grpo4j.trainer.rollout.SequenceRandom;
import org.jspecify.annotations.Nullable;

/**
 * GRPO with ResT, top to bottom: sample groups of completions, score them, turn rewards into
 * advantages and regions into token weights, let the kernel compute the loss and its gradient to
 * the logits in one visit, send the gradient back through the model, take an AdamW step.
 *
 * <p>Formulas and their sources: docs/math.md. Every random draw follows from the seed and a
 * counter, so a resumed run repeats what an uninterrupted one does. Logging, evaluation and
 * checkpoints are around it, in {@link TrainRun}.
 */
final class GrpoTraining {
  /** Rounds of sampling after which a rollout is used as it is, as DAPO limits it. */
  private static final int RESAMPLING_ROUNDS = 10;

  private final TrainConfig config;
  private final Policy policy;
  private final @Nullable DecoderModel reference;
  private final PromptSource prompts;
  private final Rollouts rollouts;
  private final Scorer scorer;
  private final PolicyOptimizer optimizer;
  private final PolicyLossConfig lossConfig;
  private final PolicyGradient gradient;
  private final RestWeighting weighting;
  private final SamplingConfig sampling;
  private final Listener listener;
  private TrainerState state;
  private double progress;
  private long lapStart = System.nanoTime();

  /** Is told what happened; the numbers of one optimizer step come once, after it. */
  interface Listener {
    void rollout(List<ScoredCompletion> sampled);

    /** The samples of optimizer step {@code step} and their weights in the loss, before it. */
    default void weighted(int step, List<ScoredCompletion> batch, TokenWeights weights) {}

    void update(UpdateMetrics metrics, TrainerState state);
  }

  GrpoTraining(
      TrainConfig config,
      Parts parts,
      PolicyOptimizer optimizer,
      TrainerState state,
      Listener listener) {
    this.config = config;
    this.policy = parts.policy();
    this.reference = parts.reference();
    this.prompts = parts.prompts();
    this.rollouts = parts.rollouts();
    this.scorer = parts.scorer();
    this.optimizer = optimizer;
    this.state = state;
    this.listener = listener;
    ObjectiveSettings objective = config.objective();
    this.lossConfig = LossConfigs.of(objective, config.generation().temperature());
    this.gradient = new PolicyGradient(policy, lossConfig);
    this.weighting = new RestWeighting(config.weighting(), inSteps());
    this.sampling =
        new SamplingConfig(
            config.generation().temperature(),
            config.generation().topP(),
            config.generation().topK(),
            config.generation().maxCompletionLength());
  }

  /** What a training is made of; the caller owns and closes it. */
  record Parts(
      Policy policy,
      @Nullable DecoderModel reference,
      PromptSource prompts,
      Rollouts rollouts,
      Scorer scorer) {}

  TrainerState state() {
    return state;
  }

  /** One rollout and the optimizer steps taken on it, at most up to {@code totalSteps}. */
  void rolloutAndUpdates(int totalSteps) {
    lapStart = System.nanoTime();
    progress = config.progress(state.step(), totalSteps, state.tokens());
    List<ScoredCompletion> rollout = collect();
    List<List<ScoredCompletion>> batches = optimizerBatches(rollout);
    boolean fresh = true; // Until the first update the policy is the one that sampled.
    for (int pass = 0; pass < config.generation().numIterations(); pass++) {
      for (List<ScoredCompletion> batch : batches) {
        if (state.step() < totalSteps) {
          fresh = !update(batch, fresh) && fresh;
        }
      }
    }
    state = state.nextRollout();
  }

  private double lap() {
    long now = System.nanoTime();
    double seconds = (now - lapStart) * 1e-9;
    lapStart = now;
    return seconds;
  }

  // ---- Rollout: sample, score, compare within groups ----

  private List<ScoredCompletion> collect() {
    ZeroSpread zeroSpread = config.objective().zeroSpreadGroups();
    int wanted = config.promptsPerRollout() * config.generation().numGenerations();
    int rounds = zeroSpread == ZeroSpread.RESAMPLE ? RESAMPLING_ROUNDS : 1;
    List<ScoredCompletion> kept = new ArrayList<>();
    List<ScoredCompletion> sampled = new ArrayList<>();
    for (int round = 0; round < rounds && kept.size() < wanted; round++) {
      int groups = (wanted - kept.size()) / config.generation().numGenerations();
      List<ScoredCompletion> scored = sampleAndScore(groups);
      sampled.addAll(scored);
      kept.addAll(zeroSpread == ZeroSpread.KEEP ? scored : withSpread(scored));
    }
    List<ScoredCompletion> compared = withAdvantages(kept);
    listener.rollout(mergedInto(sampled, compared));
    return withModelLogProbs(
        inSteps()
            ? withAdvantages(TurnSamples.of(compared, scorer.environmentWeight()))
            : compared);
  }

  /** Whether each turn of a conversation is a sample of its own. */
  private boolean inSteps() {
    return config.environment().multiTurnMode() == MultiTurnMode.STEPS;
  }

  private List<ScoredCompletion> sampleAndScore(int groups) {
    int perGroup = config.generation().numGenerations();
    List<RenderedPrompt> drawn = new ArrayList<>();
    long[][] seeds = new long[groups][perGroup];
    for (int p = 0; p < groups; p++) {
      long index = state.promptsDrawn() + p;
      drawn.add(prompts.at(index));
      for (int g = 0; g < perGroup; g++) {
        seeds[p][g] = SequenceRandom.seed(config.runtime().seed(), index, g);
      }
    }
    List<Completion> completions = sample(drawn, seeds);
    int scheduleStep = (int) (state.step() * config.weighting().restStepScale());
    List<ScoredCompletion> scored =
        scorer.score(drawn, completions, state.promptsDrawn(), scheduleStep, progress);
    state = state.withEntropies(weighting.measure(state.entropies(), scored));
    scored = weighting.weigh(scored, weighting.byRegion(state.entropies(), state.step(), progress));
    long sampledTokens = scored.stream().mapToLong(c -> c.completion().sampledLength()).sum();
    long allTokens = scored.stream().mapToLong(c -> c.prompt().length() + c.length()).sum();
    state = state.drawn(groups, allTokens, sampledTokens);
    return scored;
  }

  /** In parts that bound the keys and values held; each draw has its own seed, so no part shows. */
  private List<Completion> sample(List<RenderedPrompt> drawn, long[][] seeds) {
    int together = config.promptsSampledTogether();
    List<Completion> completions = new ArrayList<>();
    for (int from = 0; from < seeds.length; from += together) {
      int to = Math.min(seeds.length, from + together);
      long[][] part = Arrays.copyOfRange(seeds, from, to);
      for (Completion c : rollouts.sample(drawn.subList(from, to), part, sampling)) {
        completions.add(c.ofPrompt(c.prompt() + from));
      }
    }
    return completions;
  }

  private List<ScoredCompletion> withAdvantages(List<ScoredCompletion> scored) {
    AdvantageInput input =
        new AdvantageInput(
            rewards(scored),
            ScoredCompletion.groupIds(scored),
            scored.stream().mapToInt(c -> StepWeights.trainedLength(config, c)).toArray(),
            AdvantageInput.DEFAULT_EPSILON,
            config.objective().scaleRewards());
    double[] advantages = config.objective().advantageEstimator().compute(input);
    return IntStream.range(0, scored.size())
        .mapToObj(i -> scored.get(i).withAdvantage(advantages[i]))
        .toList();
  }

  private static List<ScoredCompletion> withSpread(List<ScoredCompletion> scored) {
    boolean[] zero = Groups.zeroSpread(rewards(scored), ScoredCompletion.groupIds(scored));
    return IntStream.range(0, zero.length).filter(i -> !zero[i]).mapToObj(scored::get).toList();
  }

  /** All that was sampled, in its order, with the advantages of those that were kept. */
  private static List<ScoredCompletion> mergedInto(
      List<ScoredCompletion> sampled, List<ScoredCompletion> kept) {
    Set<Long> groups = kept.stream().map(ScoredCompletion::group).collect(Collectors.toSet());
    Iterator<ScoredCompletion> rest = kept.iterator();
    return sampled.stream().map(c -> groups.contains(c.group()) ? rest.next() : c).toList();
  }

  /** Adds what only a forward pass over the finished completions can tell. */
  private List<ScoredCompletion> withModelLogProbs(List<ScoredCompletion> scored) {
    List<ScoredCompletion> result = scored;
    DecoderModel frozen = reference;
    if (frozen != null) {
      result = zipped(result, logProbs(frozen, result), ScoredCompletion::withReference);
    }
    if (config.objective().rolloutCorrection() != ObjectiveSettings.RolloutCorrection.NONE) {
      result = zipped(result, logProbs(policy.model(), result), ScoredCompletion::withOldLogProbs);
    }
    return result;
  }

  // ---- Update: weights, micro-batches, kernel, AdamW ----

  /** Whole groups, split into the optimizer steps of one pass, as evenly as groups allow. */
  private List<List<ScoredCompletion>> optimizerBatches(List<ScoredCompletion> rollout) {
    int steps = config.stepsPerGeneration() / config.optimizer().gradientAccumulationSteps();
    List<Integer> starts = new ArrayList<>();
    for (int i = 0; i < rollout.size(); i++) {
      if (i == 0 || rollout.get(i).group() != rollout.get(i - 1).group()) {
        starts.add(i);
      }
    }
    starts.add(rollout.size());
    int groups = starts.size() - 1;
    List<List<ScoredCompletion>> batches = new ArrayList<>();
    for (int s = 0; s < steps; s++) {
      int from = starts.get((int) ((long) groups * s / steps));
      int to = starts.get((int) ((long) groups * (s + 1) / steps));
      batches.add(rollout.subList(from, to));
    }
    return batches;
  }

  /** Tells whether the policy changed. */
  private boolean update(List<ScoredCompletion> batch, boolean fresh) {
    UpdateMetrics metrics = new UpdateMetrics(fresh, optimizer.learningRate(state.step()));
    int[] ends = microBatchEnds(batch);
    TokenWeights weights = stepWeights(batch, ends);
    listener.weighted(state.step() + 1, batch, weights);
    GradientHalves halves =
        config.diagnostics().gradientVariance()
            ? new GradientHalves(policy.model().parameters().values(), middle(batch))
            : null;
    int from = 0;
    for (int to : ends) {
      backward(MicroBatch.TokenTerms.of(batch, weights, from, to), metrics);
      if (halves != null) {
        halves.after(to, metrics.rows());
      }
      from = to;
    }
    if (halves != null) {
      halves.estimate(metrics.rows()).ifPresent(metrics::gradient);
    }
    // Without a trained token there is no gradient, but the step counts: schedules go on.
    metrics.gradNorm(metrics.rows() == 0 ? 0 : optimizer.step(state.step()));
    state = state.nextStep().after(lap());
    listener.update(metrics, state);
    return metrics.rows() > 0;
  }

  private void backward(List<MicroBatch.TokenTerms> terms, UpdateMetrics metrics) {
    RegionGradients regions = new RegionGradients();
    PolicyLossMetrics loss = gradient.add(terms, regions);
    if (loss != null) {
      metrics.add(loss);
      metrics.add(regions);
    }
  }

  private TokenWeights stepWeights(List<ScoredCompletion> batch, int[] microBatchEnds) {
    // The mask of stale completions needs the policy as it is now.
    List<float[]> current =
        config.objective().offPolicyMaskThreshold() == null
            ? null
            : logProbs(policy.model(), batch);
    return StepWeights.of(config, batch, microBatchEnds, current);
  }

  /** Where the micro-batches of an optimizer step end; halves to be compared do not share one. */
  private int[] microBatchEnds(List<ScoredCompletion> batch) {
    int size = config.optimizer().perDeviceTrainBatchSize();
    int half = config.diagnostics().gradientVariance() ? middle(batch) : 0;
    return IntStream.concat(ends(0, half, size), ends(half, batch.size(), size)).toArray();
  }

  private static IntStream ends(int from, int to, int size) {
    int count = (to - from + size - 1) / size;
    return IntStream.rangeClosed(1, count).map(i -> Math.min(to, from + i * size));
  }

  /** The start of the group that begins nearest below the middle; 0 for a single group. */
  private static int middle(List<ScoredCompletion> batch) {
    int at = batch.size() / 2;
    while (at > 0 && batch.get(at).group() == batch.get(at - 1).group()) {
      at--;
    }
    return at;
  }

  /** Log-probabilities of every token under a model, no gradient kept. */
  private List<float[]> logProbs(DecoderModel model, List<ScoredCompletion> batch) {
    List<float[]> result = new ArrayList<>();
    int size = config.optimizer().perDeviceTrainBatchSize();
    for (int from = 0; from < batch.size(); from += size) {
      List<ScoredCompletion> part = batch.subList(from, Math.min(batch.size(), from + size));
      try (NoGradGuard noGrad = new NoGradGuard();
          PointerScope scope = new PointerScope()) {
        MicroBatch micro = MicroBatch.allTokens(part, policy.padToken());
        TensorKernels.Statistics statistics = policy.kernels().statistics(micro.rows());
        policy
            .kernels()
            .tokenStats(
                micro.logits(model),
                micro.loss().targets(),
                (float) lossConfig.temperature(),
                statistics);
        result.addAll(MicroBatch.split(statistics.read().logProbs(), part));
      }
    }
    return result;
  }

  // ---- Small views of a list of completions ----

  private static double[] rewards(List<ScoredCompletion> scored) {
    return scored.stream().mapToDouble(ScoredCompletion::reward).toArray();
  }

  private static List<ScoredCompletion> zipped(
      List<ScoredCompletion> scored,
      List<float[]> values,
      BiFunction<ScoredCompletion, float[], ScoredCompletion> with) {
    return IntStream.range(0, scored.size())
        .mapToObj(i -> with.apply(scored.get(i), values.get(i)))
        .toList();
  }
}
