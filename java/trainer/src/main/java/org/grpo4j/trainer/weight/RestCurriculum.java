package org.grpo4j.trainer.weight;

/**
 * How ResT's region weights move while a run goes on; tool names keep theirs, and a region of
 * weight 0 stays out.
 *
 * @param schedule what they follow
 * @param rise per step, of arguments and reasoning (STEP)
 * @param alphaFormat what tags lose over a run (PROGRESS)
 * @param alphaArguments what arguments gain, at most
 * @param alphaReasoning what reasoning gains, at most
 * @param min tags fall no lower (PROGRESS)
 * @param max arguments and reasoning rise no higher (PROGRESS)
 */
public record RestCurriculum(
    Schedule schedule,
    double rise,
    double alphaFormat,
    double alphaArguments,
    double alphaReasoning,
    double min,
    double max) {

  /** What weights follow. */
  public enum Schedule {
    /** They stay. */
    NONE,
    /** The release: arguments and reasoning rise by {@code rise} per step, tags stay. */
    STEP,
    /**
     * The paper, with the progress ν in [0, 1]: format max(min, w − alphaFormat·ν), arguments
     * min(max, w + alphaArguments·ν), reasoning min(max, w + alphaReasoning·ν).
     */
    PROGRESS
  }

  public RestCurriculum {
    if (!(min > 0 && min <= max)) {
      throw new IllegalArgumentException(
          "min must be positive and at most max, got " + min + " and " + max);
    }
  }

  /**
   * The published program's: 0.002 per step, from 0.6 up to 1.2 (arguments) and 1.0 (reasoning).
   */
  public static RestCurriculum release() {
    return new RestCurriculum(Schedule.STEP, 0.002, 0, 0.6, 0.4, 0.001, 8);
  }

  /**
   * The weights at one moment of a run.
   *
   * @param start what they are at the beginning
   * @param step of the curriculum, from 0
   * @param progress part of the run that is done, in [0, 1]
   */
  public WeightByRegion at(WeightByRegion start, double step, double progress) {
    return switch (schedule) {
      case NONE -> start;
      case STEP ->
          start
              .with(Region.ARGUMENTS, w -> w + Math.min(rise * step, alphaArguments))
              .with(Region.REASONING, w -> w + Math.min(rise * step, alphaReasoning));
      case PROGRESS ->
          start
              .with(Region.FORMAT, w -> Math.max(min, w - alphaFormat * progress))
              .with(Region.ARGUMENTS, w -> Math.min(max, w + alphaArguments * progress))
              .with(Region.REASONING, w -> Math.min(max, w + alphaReasoning * progress));
    };
  }
}
