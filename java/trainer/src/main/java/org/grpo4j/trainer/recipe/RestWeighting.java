package org.grpo4j.trainer.recipe;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.grpo4j.kernels.RegionWeights;
import org.grpo4j.trainer.config.WeightingSettings;
import org.grpo4j.trainer.config.WeightingSettings.TokenWeighting;
import org.grpo4j.trainer.rollout.Completion;
import org.grpo4j.trainer.weight.Region;
import org.grpo4j.trainer.weight.RegionEntropies;
import org.grpo4j.trainer.weight.RestCurriculum;
import org.grpo4j.trainer.weight.WeightByRegion;
import org.jspecify.annotations.Nullable;

/** Gives scored completions ResT's token weights, in the form that the settings ask for. */
final class RestWeighting {
  private final WeightingSettings settings;
  private final boolean perTurn;
  private final WeightByRegion start;
  private final RestCurriculum curriculum;
  private final RegionWeights.Order order;

  /**
   * @param perTurn whether each turn of a conversation is a training sample of its own
   */
  RestWeighting(WeightingSettings settings, boolean perTurn) {
    this.settings = settings;
    this.perTurn = perTurn;
    boolean measured = settings.tokenWeighting() == TokenWeighting.REST_ENTROPY;
    WeightByRegion byForm = measured ? WeightByRegion.of(1, 1, 1, 1, 1) : WeightByRegion.release();
    this.start =
        WeightByRegion.of(
            or(settings.restWeightFormat(), byForm, Region.FORMAT),
            or(settings.restWeightName(), byForm, Region.TOOL_NAME),
            or(settings.restWeightArguments(), byForm, Region.ARGUMENTS),
            or(settings.restWeightReasoning(), byForm, Region.REASONING),
            or(settings.restWeightOther(), byForm, Region.OTHER));
    this.curriculum =
        new RestCurriculum(
            settings.schedule(),
            settings.restRise(),
            settings.restAlphaFormat(),
            settings.restAlphaArguments(),
            settings.restAlphaReasoning(),
            settings.restMinWeight(),
            settings.restMaxWeight());
    this.order =
        measured ? RegionWeights.Order.MEAN_THEN_CLAMP : RegionWeights.Order.CLAMP_THEN_MEAN;
  }

  private static double or(@Nullable Double set, WeightByRegion byForm, Region region) {
    return set != null ? set : byForm.of(region);
  }

  /** The regions' entropies after a sampled batch; what is given where nothing asks for them. */
  RegionEntropies measure(RegionEntropies before, List<ScoredCompletion> sampled) {
    if (settings.tokenWeighting() != TokenWeighting.REST_ENTROPY) {
      return before;
    }
    return before.updated(
        sampled.stream().map(RestWeighting::sampledRegions).toList(),
        sampled.stream().map(RestWeighting::sampledEntropies).toList(),
        settings.restEntropyDecay());
  }

  /**
   * The regions' weights at one moment of a run.
   *
   * @param step optimizer steps done
   * @param progress part of the run that is done
   */
  WeightByRegion byRegion(RegionEntropies entropies, int step, double progress) {
    WeightByRegion base =
        settings.tokenWeighting() == TokenWeighting.REST_ENTROPY
            ? entropies.weights(
                settings.restEntropyForm(),
                start,
                settings.restEntropyMin(),
                settings.restMinWeight(),
                settings.restMaxWeight())
            : start;
    return curriculum.at(base, step * settings.restStepScale(), progress);
  }

  /**
   * Completions with the weights of their tokens, computed by the kernel library; all 1 where
   * token_weighting is none.
   */
  List<ScoredCompletion> weigh(List<ScoredCompletion> scored, WeightByRegion byRegion) {
    if (settings.tokenWeighting() == TokenWeighting.NONE || scored.isEmpty()) {
      return scored;
    }
    RegionWeights weights =
        new RegionWeights(
            DoubleStream.of(byRegion.byBit()).boxed().toList(),
            settings.restMinWeight(),
            settings.restMaxWeight(),
            order);
    List<List<Completion.Span>> samples = scored.stream().flatMap(this::samples).toList();
    long[] offsets = new long[samples.size() + 1];
    for (int i = 0; i < samples.size(); i++) {
      offsets[i + 1] = offsets[i] + samples.get(i).stream().mapToInt(Completion.Span::length).sum();
    }
    byte[] sets = sampledRegionSets(scored, Math.toIntExact(offsets[samples.size()]));
    try (PointerScope scope = new PointerScope()) {
      FloatPointer out = new FloatPointer(sets.length);
      weights.compute(new LongPointer(offsets), new BytePointer(sets), null, out);
      return scattered(out, scored);
    }
  }

  /** Weights are normalised over one training sample: all turns of a conversation, or each. */
  private Stream<List<Completion.Span>> samples(ScoredCompletion c) {
    List<Completion.Span> turns = c.completion().sampledSpans();
    return perTurn ? turns.stream().map(List::of) : Stream.of(turns);
  }

  /** The region sets of all sampled tokens, one completion after the other. */
  private static byte[] sampledRegionSets(List<ScoredCompletion> scored, int tokens) {
    byte[] sets = new byte[tokens];
    int at = 0;
    for (ScoredCompletion c : scored) {
      for (Completion.Span span : c.completion().sampledSpans()) {
        System.arraycopy(c.regionSets(), span.first(), sets, at, span.length());
        at += span.length();
      }
    }
    return sets;
  }

  /** Gives the weights of all sampled tokens back; what was not sampled weighs 0. */
  private static List<ScoredCompletion> scattered(
      FloatPointer weights, List<ScoredCompletion> scored) {
    List<ScoredCompletion> weighed = new ArrayList<>();
    long at = 0;
    for (ScoredCompletion c : scored) {
      float[] of = new float[c.length()];
      for (Completion.Span span : c.completion().sampledSpans()) {
        weights.getPointer(at).get(of, span.first(), span.length());
        at += span.length();
      }
      weighed.add(c.withTokenWeights(of));
    }
    return weighed;
  }

  /** What tools and template wrote was not drawn from the policy and has no entropy of it. */
  private static List<Region> sampledRegions(ScoredCompletion c) {
    return c.completion().sampledSpans().stream()
        .flatMap(span -> c.regions().subList(span.first(), span.end()).stream())
        .toList();
  }

  private static float[] sampledEntropies(ScoredCompletion c) {
    float[] entropies = new float[c.completion().sampledLength()];
    int at = 0;
    for (Completion.Span span : c.completion().sampledSpans()) {
      System.arraycopy(c.completion().entropies(), span.first(), entropies, at, span.length());
      at += span.length();
    }
    return entropies;
  }
}
