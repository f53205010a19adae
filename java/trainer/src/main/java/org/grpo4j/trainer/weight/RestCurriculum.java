package org.grpo4j.trainer.weight;

/**
 * The weights of ResT's regions over the steps, as released: tags and names keep theirs, arguments
 * and reasoning start low and rise.
 *
 * @param format of tags
 * @param name of a tool's name
 * @param start of arguments and reasoning at step 0
 * @param rise per step
 * @param argumentsMax what arguments rise to
 * @param reasoningMax what reasoning rises to
 * @param min positive weights are at least this before they are normalised
 * @param max and at most this
 */
public record RestCurriculum(
    double format,
    double name,
    double start,
    double rise,
    double argumentsMax,
    double reasoningMax,
    double min,
    double max) {
  public RestCurriculum {
    if (!(min > 0 && min <= max)) {
      throw new IllegalArgumentException(
          "min must be positive and at most max, got " + min + " and " + max);
    }
  }

  /** The published values: 1.0, 1.2, 0.6 + 0.002 · step up to 1.2 and 1.0, within [0.001, 8]. */
  public static RestCurriculum release() {
    return new RestCurriculum(1.0, 1.2, 0.6, 0.002, 1.2, 1.0, 0.001, 8);
  }

  /** The weight of a region at a step, before normalising; 0 outside the named regions. */
  public double weight(Region region, double step) {
    return switch (region) {
      case FORMAT -> format;
      case TOOL_NAME -> name;
      case ARGUMENTS -> Math.min(start + rise * step, argumentsMax);
      case REASONING -> Math.min(start + rise * step, reasoningMax);
      case OTHER -> 0;
    };
  }
}
