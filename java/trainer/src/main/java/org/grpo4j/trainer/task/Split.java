package org.grpo4j.trainer.task;

/**
 * Training or held-out, decided per number by a hash.
 *
 * <p>Every tool takes at least one number. A training call takes all its numbers from {@link
 * #TRAIN}, a held-out call all of them from {@link #HELD_OUT}, so no number of a held-out call ever
 * occurs in training, and no call (hence no prompt) can be in both. Names of cities, people and the
 * like come from short closed lists that both share.
 */
public enum Split {
  TRAIN,
  HELD_OUT;

  /** One number in this many is held out. */
  static final int HELD_OUT_ONE_IN = 5;

  /** The split that may use this number as an argument. */
  public static Split of(int number) {
    return Math.floorMod(mix(number), HELD_OUT_ONE_IN) == 0 ? HELD_OUT : TRAIN;
  }

  /** The finalizer of SplitMix64 (Steele, Lea, Flood 2014): equal on every JDK. */
  static long mix(long value) {
    long z = value * 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
