package org.grpo4j.trainer.rollout;

/**
 * Counter-based random numbers: a draw depends on the run's seed, the sequence and the position
 * alone, never on the batch around it or on what was drawn before. A resumed run therefore needs no
 * generator state.
 *
 * <p>The mixer is SplitMix64's finaliser (Steele, Lea, Flood 2014).
 */
public final class SequenceRandom {
  private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;

  private SequenceRandom() {}

  /** A seed for one sequence, from any number of coordinates such as seed, step, prompt, index. */
  public static long seed(long... coordinates) {
    long h = GOLDEN_GAMMA;
    for (long c : coordinates) {
      h = mix(h ^ mix(c + GOLDEN_GAMMA));
    }
    return h;
  }

  /** Uniform in [0, 1) for a position of a sequence, 53 bits. */
  public static double uniform(long sequenceSeed, long position) {
    return (mix(sequenceSeed + (position + 1) * GOLDEN_GAMMA) >>> 11) * 0x1.0p-53;
  }

  private static long mix(long z) {
    long x = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    x = (x ^ (x >>> 27)) * 0x94D049BB133111EBL;
    return x ^ (x >>> 31);
  }
}
