package org.grpo4j.trainer.recipe;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.grpo4j.kernels.RegionWeights;
import org.grpo4j.trainer.config.WeightingSettings;
import org.grpo4j.trainer.config.WeightingSettings.TokenWeighting;
import org.grpo4j.trainer.weight.Region;
import org.grpo4j.trainer.weight.RegionEntropies;
import org.grpo4j.trainer.weight.RestCurriculum;
import org.grpo4j.trainer.weight.WeightByRegion;
import org.jspecify.annotations.Nullable;

/** Gives scored completions ResT's token weights, in the form that the settings ask for. */
final class RestWeighting {
  private final WeightingSettings settings;
  private final WeightByRegion start;
  private final RestCurriculum curriculum;
  private final RegionWeights.Order order;

  RestWeighting(WeightingSettings settings) {
    this.settings = settings;
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
            RestCurriculum.Schedule.valueOf(settings.schedule().name()),
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
        sampled.stream().map(ScoredCompletion::regions).toList(),
        sampled.stream().map(c -> c.completion().entropies()).toList(),
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
                RegionEntropies.Form.valueOf(settings.restEntropyForm().name()),
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
    long[] offsets = new long[scored.size() + 1];
    for (int i = 0; i < scored.size(); i++) {
      offsets[i + 1] = offsets[i] + scored.get(i).length();
    }
    byte[] sets = new byte[Math.toIntExact(offsets[scored.size()])];
    for (int i = 0; i < scored.size(); i++) {
      byte[] of = scored.get(i).regionSets();
      System.arraycopy(of, 0, sets, Math.toIntExact(offsets[i]), of.length);
    }
    try (PointerScope scope = new PointerScope()) {
      FloatPointer out = new FloatPointer(sets.length);
      weights.compute(new LongPointer(offsets), new BytePointer(sets), null, out);
      List<ScoredCompletion> weighed = new ArrayList<>();
      for (int i = 0; i < scored.size(); i++) {
        float[] of = new float[scored.get(i).length()];
        out.getPointer(offsets[i]).get(of);
        weighed.add(scored.get(i).withTokenWeights(of));
      }
      return weighed;
    }
  }
}
