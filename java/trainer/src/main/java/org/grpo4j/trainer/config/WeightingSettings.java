package org.grpo4j.trainer.config;

import org.grpo4j.trainer.weight.RegionEntropies;
import org.grpo4j.trainer.weight.RestCurriculum;
import org.grpo4j.trainer.weight.SpanPlacement;
import org.jspecify.annotations.Nullable;

/**
 * ResT's weight of each token inside a completion. "Release" is the authors' published program,
 * "paper" arXiv 2509.21826; where the paper's value is not known, the source says grpo4j.
 *
 * @param tokenWeighting which form
 * @param restRegions how a completion's regions are found
 * @param restSpanPlacement which tokens a region covers
 * @param restWeightFormat of tags, at the start; null: by the form
 * @param restWeightName of tool names
 * @param restWeightArguments of arguments
 * @param restWeightReasoning of reasoning
 * @param restWeightOther of tokens in no region
 * @param restMinWeight positive weights are at least this
 * @param restMaxWeight and at most this
 * @param restSchedule what the weights follow; null: by the form
 * @param restStepScale curriculum steps per optimizer step
 * @param restRise per curriculum step
 * @param restAlphaFormat what tags lose over a run
 * @param restAlphaArguments what arguments gain, at most
 * @param restAlphaReasoning what reasoning gains, at most
 * @param restEntropyForm how an entropy becomes a weight
 * @param restEntropyDecay of the moving averages
 * @param restEntropyMin lower entropies count as this
 */
public record WeightingSettings(
    @Key(
            byDefault = "rest",
            source = "ResT",
            doc =
                "Weight per token: rest (ResT's release: fixed region weights), rest_entropy (ResT's"
                    + " paper: inverse to each region's measured entropy) or none (plain GRPO).")
        TokenWeighting tokenWeighting,
    @Key(
            byDefault = "toolrl",
            source = "ResT release",
            doc =
                "How regions are found: toolrl (think, tool_call, response tags), hermes"
                    + " (tool_call tags with JSON, as Qwen writes), llama3 (JSON calls without"
                    + " tags), or a RegionFinder class of your own.")
        String restRegions,
    @Key(
            byDefault = "release",
            source = "ResT release",
            doc =
                "Tokens of a region: release (as the authors' program, which leaves out the last"
                    + " token of a longer span) or covering (every token that touches the span).")
        SpanPlacement restSpanPlacement,
    @Key(
            byDefault = "null",
            min = 0,
            source = "ResT release",
            doc =
                "Weight of tags at the start: unset, 1.0 for rest; a factor, unset 1, for"
                    + " rest_entropy. 0 takes a region out of the policy term.")
        @Nullable Double restWeightFormat,
    @Key(
            byDefault = "null",
            min = 0,
            source = "ResT release",
            doc = "The same of tool names; unset: 1.2 and 1.")
        @Nullable Double restWeightName,
    @Key(
            byDefault = "null",
            min = 0,
            source = "ResT release",
            doc = "The same of arguments; unset: 0.6 and 1.")
        @Nullable Double restWeightArguments,
    @Key(
            byDefault = "null",
            min = 0,
            source = "ResT release",
            doc =
                "The same of reasoning; unset: 0.6 and 1. With 0 no gradient goes through"
                    + " reasoning.")
        @Nullable Double restWeightReasoning,
    @Key(
            byDefault = "null",
            min = 0,
            source = "ResT release",
            doc = "The same of tokens in no region; unset: 0 and 1.")
        @Nullable Double restWeightOther,
    @Key(
            byDefault = "0.001",
            min = 0,
            aboveMin = true,
            source = "ResT release",
            doc = "w_min: positive weights are at least this.")
        double restMinWeight,
    @Key(
            byDefault = "8.0",
            min = 0,
            aboveMin = true,
            source = "ResT release",
            doc = "w_max: weights are at most this.")
        double restMaxWeight,
    @Key(
            byDefault = "null",
            source = "ResT release and paper",
            doc =
                "What weights follow: step (release: arguments and reasoning rise by rest_rise per"
                    + " step), progress (paper: by the part of the run that is done), none. Unset:"
                    + " step for rest, progress for rest_entropy.")
        RestCurriculum.@Nullable Schedule restSchedule,
    @Key(
            byDefault = "1.0",
            min = 0,
            source = "ResT release",
            doc =
                "Steps of ResT's curriculum and of ToolRL's reward schedules per optimizer step; the"
                    + " release counts rollouts.")
        double restStepScale,
    @Key(
            byDefault = "0.002",
            min = 0,
            source = "ResT release",
            doc = "Schedule step: what arguments and reasoning gain per step.")
        double restRise,
    @Key(byDefault = "0.2", min = 0, doc = "alpha_f. Schedule progress: what tags lose over a run.")
        double restAlphaFormat,
    @Key(
            byDefault = "0.6",
            min = 0,
            source = "ResT release",
            doc = "alpha_p: what arguments gain at most (the release's 0.6 to 1.2).")
        double restAlphaArguments,
    @Key(
            byDefault = "0.4",
            min = 0,
            source = "ResT release",
            doc = "alpha_t: what reasoning gains at most (the release's 0.6 to 1.0).")
        double restAlphaReasoning,
    @Key(
            byDefault = "bound",
            source = "ResT paper",
            doc =
                "rest_entropy: a region of mean entropy H weighs 1 / (1 - e^(-H)) (bound) or 1 / H"
                    + " (reciprocal).")
        RegionEntropies.Form restEntropyForm,
    @Key(
            byDefault = "0.9",
            min = 0,
            max = 0.999999,
            doc = "rest_entropy: decay per rollout of the moving averages of the entropies.")
        double restEntropyDecay,
    @Key(
            byDefault = "0.01",
            min = 0,
            aboveMin = true,
            doc = "rest_entropy: lower mean entropies count as this many nats; 1 / 0 is no weight.")
        double restEntropyMin) {

  /** Checks what concerns several keys. */
  public WeightingSettings {
    if (restMinWeight > restMaxWeight) {
      throw new org.grpo4j.torch.InputException(
          "rest_min_weight %s is above rest_max_weight %s".formatted(restMinWeight, restMaxWeight));
    }
  }

  /** The same in another form. */
  public WeightingSettings as(TokenWeighting form) {
    return new WeightingSettings(
        form,
        restRegions,
        restSpanPlacement,
        restWeightFormat,
        restWeightName,
        restWeightArguments,
        restWeightReasoning,
        restWeightOther,
        restMinWeight,
        restMaxWeight,
        restSchedule,
        restStepScale,
        restRise,
        restAlphaFormat,
        restAlphaArguments,
        restAlphaReasoning,
        restEntropyForm,
        restEntropyDecay,
        restEntropyMin);
  }

  /** The schedule as set, or the form's own. */
  public RestCurriculum.Schedule schedule() {
    if (restSchedule != null) {
      return restSchedule;
    }
    return tokenWeighting == TokenWeighting.REST_ENTROPY
        ? RestCurriculum.Schedule.PROGRESS
        : RestCurriculum.Schedule.STEP;
  }

  /** Token weights inside a completion. */
  public enum TokenWeighting {
    NONE,
    REST,
    REST_ENTROPY
  }
}
