package org.grpo4j.trainer.advantage;

import java.util.Arrays;

/**
 * The rewards of one batch of completions.
 *
 * @param rewards [B]
 * @param groupIds [B] completions of the same prompt share one; any numbers, in any order
 * @param lengths [B] trained tokens of each completion, not negative
 * @param epsilon added to a standard deviation that divides (verl: 1e-6, TRL: 1e-4)
 * @param scale what GRPO and pass@k divide by
 */
// Arrays: one number per completion, computed on in place of boxed lists.
@SuppressWarnings("ArrayRecordComponent")
public record AdvantageInput(
    double[] rewards, long[] groupIds, int[] lengths, double epsilon, ScaleRewards scale) {
  /** verl's epsilon. */
  public static final double DEFAULT_EPSILON = 1e-6;

  public AdvantageInput {
    if (groupIds.length != rewards.length || lengths.length != rewards.length) {
      throw new IllegalArgumentException(
          "groupIds ["
              + groupIds.length
              + "] and lengths ["
              + lengths.length
              + "] must have the length of rewards ["
              + rewards.length
              + "]");
    }
    if (Arrays.stream(lengths).anyMatch(length -> length < 0)) {
      throw new IllegalArgumentException("lengths must not be negative");
    }
  }

  /** With verl's epsilon, divided by the group's standard deviation. */
  public static AdvantageInput of(double[] rewards, long[] groupIds, int[] lengths) {
    return new AdvantageInput(rewards, groupIds, lengths, DEFAULT_EPSILON, ScaleRewards.GROUP);
  }
}
