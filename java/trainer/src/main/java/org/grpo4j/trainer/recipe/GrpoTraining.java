package org.grpo4j.trainer.recipe;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.grpo4j.kernels.Logits;
import org.grpo4j.kernels.PolicyLoss;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.kernels.RowStatistics;
import org.grpo4j.kernels.TokenStats;
import org.grpo4j.kernels.weight.RolloutCorrection;
import org.grpo4j.kernels.weight.TokenWeights;
import org.grpo4j.torch.DecoderModel;
import org.grpo4j.torch.TorchTensors;
import org.grpo4j.trainer.advantage.AdvantageEstimator;
import org.grpo4j.trainer.advantage.AdvantageInput;
import org.grpo4j.trainer.advantage.Groups;
import org.grpo4j.trainer.advantage.ScaleRewards;
import org.grpo4j.trainer.config.ObjectiveSettings;
import org.grpo4j.trainer.config.ObjectiveSettings.ZeroSpread;
import org.grpo4j.trainer.config.TrainConfig;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.rollout.Completion;
import org.grpo4j.trainer.rollout.SamplingConfig;
import org.grpo4j.trainer.rollout.SequenceRandom;
import org.grpo4j.trainer.weight.TrlLossType;
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
  private final Scorer scorer;
  private final PolicyOptimizer optimizer;
  private final PolicyLossConfig lossConfig;
  private final SamplingConfig sampling;
  private final Listener listener;
  private TrainerState state;
  private long lapStart = System.nanoTime();

  /** Is told what happened; the numbers of one optimizer step come once, after it. */
  interface Listener {
    void rollout(List<ScoredCompletion> sampled);

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
    this.scorer = parts.scorer();
    this.optimizer = optimizer;
    this.state = state;
    this.listener = listener;
    ObjectiveSettings objective = config.objective();
    this.lossConfig = LossConfigs.of(objective, config.generation().temperature());
    this.sampling =
        new SamplingConfig(
            config.generation().temperature(),
            config.generation().topP(),
            config.generation().topK(),
            config.generation().maxCompletionLength());
  }

  /** What a training is made of; the caller owns and closes it. */
  record Parts(
      Policy policy, @Nullable DecoderModel reference, PromptSource prompts, Scorer scorer) {}

  TrainerState state() {
    return state;
  }

  /** One rollout and the optimizer steps taken on it, at most up to {@code totalSteps}. */
  void rolloutAndUpdates(int totalSteps) {
    lapStart = System.nanoTime();
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
    return withModelLogProbs(compared);
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
    List<Completion> completions =
        policy.sampler().sample(drawn.stream().map(RenderedPrompt::ids).toList(), seeds, sampling);
    double curriculumStep = state.step() * config.objective().restStepScale();
    List<ScoredCompletion> scored =
        scorer.score(drawn, completions, state.promptsDrawn(), state.step(), curriculumStep);
    long completionTokens = scored.stream().mapToLong(ScoredCompletion::length).sum();
    long promptTokens = scored.stream().mapToLong(c -> c.prompt().length()).sum();
    state = state.drawn(groups, promptTokens + completionTokens, completionTokens);
    return scored;
  }

  private List<ScoredCompletion> withAdvantages(List<ScoredCompletion> scored) {
    AdvantageInput input =
        new AdvantageInput(
            rewards(scored),
            ScoredCompletion.groupIds(scored),
            scored.stream().mapToInt(this::trainedLength).toArray(),
            AdvantageInput.DEFAULT_EPSILON,
            ScaleRewards.named(lower(config.objective().scaleRewards())));
    double[] advantages =
        AdvantageEstimator.named(lower(config.objective().advantageEstimator())).compute(input);
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
    int size = config.optimizer().perDeviceTrainBatchSize();
    TokenWeights weights = tokenWeights(batch, size);
    for (int from = 0; from < batch.size(); from += size) {
      int to = Math.min(batch.size(), from + size);
      backward(terms(batch, weights, from, to), metrics);
    }
    // Without a trained token there is no gradient, but the step counts: schedules go on.
    metrics.gradNorm(metrics.rows() == 0 ? 0 : optimizer.step(state.step()));
    state = state.nextStep().after(lap());
    listener.update(metrics, state);
    return metrics.rows() > 0;
  }

  /** Forward, kernel, backward; gradients add up in the parameters. */
  private void backward(List<MicroBatch.TokenTerms> terms, UpdateMetrics metrics) {
    try (PointerScope scope = new PointerScope()) {
      MicroBatch micro = MicroBatch.of(terms, policy.padToken());
      if (micro == null) {
        return;
      }
      Tensor logits = micro.logits(policy.model());
      Logits view = TorchTensors.logits(logits);
      RowStatistics statistics = RowStatistics.allocate(micro.rows());
      // In place: afterwards the logits' memory holds the gradient.
      PolicyLossMetrics loss = PolicyLoss.compute(view, micro.loss(), lossConfig, statistics, view);
      TorchTensors.backward(logits, logits.detach());
      metrics.add(loss);
    }
  }

  private TokenWeights tokenWeights(List<ScoredCompletion> batch, int microBatchSize) {
    ObjectiveSettings objective = config.objective();
    TrlLossType lossType = TrlLossType.named(lower(objective.lossType()));
    float[][] mask = batch.stream().map(this::completionMask).toArray(float[][]::new);
    TokenWeights.Input input =
        TokenWeights.Input.of(
                mask, lossType.aggregation(), config.generation().maxCompletionLength())
            .withTokenWeights(
                batch.stream().map(ScoredCompletion::tokenWeights).toArray(float[][]::new));
    if (objective.rolloutCorrection() != ObjectiveSettings.RolloutCorrection.NONE) {
      input = input.withCorrection(correction(batch, mask));
    }
    if (lossType.perMicroBatch()) {
      int[] sizes = new int[(batch.size() + microBatchSize - 1) / microBatchSize];
      Arrays.fill(sizes, microBatchSize);
      if (sizes.length > 0) {
        sizes[sizes.length - 1] = batch.size() - microBatchSize * (sizes.length - 1);
      }
      input = input.withMicroBatches(sizes);
    }
    return TokenWeights.compute(input);
  }

  private float[][] correction(List<ScoredCompletion> batch, float[][] mask) {
    ObjectiveSettings objective = config.objective();
    Double least = objective.rolloutCorrectionMin();
    RolloutCorrection rule =
        objective.rolloutCorrection() == ObjectiveSettings.RolloutCorrection.TRUNCATE
            ? RolloutCorrection.truncate(objective.rolloutCorrectionCap())
            : RolloutCorrection.mask(least == null ? 0 : least, objective.rolloutCorrectionCap());
    return rule.factors(
        batch.stream().map(ScoredCompletion::oldLogProbs).toArray(float[][]::new),
        batch.stream().map(c -> c.completion().samplingLogProbs()).toArray(float[][]::new),
        mask);
  }

  private static List<MicroBatch.TokenTerms> terms(
      List<ScoredCompletion> batch, TokenWeights weights, int from, int to) {
    List<MicroBatch.TokenTerms> terms = new ArrayList<>();
    for (int i = from; i < to; i++) {
      terms.add(
          new MicroBatch.TokenTerms(
              batch.get(i), weights.policyWeights()[i], weights.regularizerWeights()[i]));
    }
    return terms;
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
        RowStatistics statistics = RowStatistics.allocate(micro.rows());
        TokenStats.compute(
            TorchTensors.logits(micro.logits(model)),
            micro.loss().targets(),
            null,
            (float) lossConfig.temperature(),
            statistics);
        result.addAll(MicroBatch.split(statistics.logProbs(), part));
      }
    }
    return result;
  }

  // ---- Small views of a list of completions ----

  private int trainedLength(ScoredCompletion c) {
    boolean left = config.objective().maskTruncatedCompletions() && !c.completion().finished();
    return left ? 0 : c.length();
  }

  private float[] completionMask(ScoredCompletion c) {
    float[] mask = new float[c.length()];
    Arrays.fill(mask, trainedLength(c) == 0 ? 0 : 1);
    return mask;
  }

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

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
