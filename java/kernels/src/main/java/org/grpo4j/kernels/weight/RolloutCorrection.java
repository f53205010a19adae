package org.grpo4j.kernels.weight;

/**
 * The factor on the policy term that makes up for sampling with another program's probabilities: w
 * = e^(old − sampling), per token or as the product over a completion's trained tokens, bounded. It
 * is a constant: no gradient flows through it.
 *
 * @param mode how w is bounded
 * @param perSequence one w for the completion instead of one per token
 * @param min the least w that is kept (MASK)
 * @param max the greatest w: cut to it (TRUNCATE) or not kept above it (MASK)
 */
public record RolloutCorrection(Mode mode, boolean perSequence, double min, double max) {

  /** What happens to a factor out of bounds. */
  public enum Mode {
    /** min(w, max). */
    TRUNCATE,
    /** w inside [min, max], else 0. */
    MASK
  }

  public RolloutCorrection {
    if (!(min >= 0 && min <= max)) {
      throw new IllegalArgumentException(
          "min is " + min + " and max " + max + ": want 0 <= min <= max");
    }
  }

  /** Per-token factors of at most max; 2 is common. */
  public static RolloutCorrection truncate(double max) {
    return new RolloutCorrection(Mode.TRUNCATE, false, 0, max);
  }

  /** Per-token factors, tokens outside [min, max] dropped. */
  public static RolloutCorrection mask(double min, double max) {
    return new RolloutCorrection(Mode.MASK, false, min, max);
  }

  /**
   * The factors of a batch.
   *
   * @param oldLogProbs [B][T_i] of the trainer's own forward pass before the update
   * @param samplingLogProbs [B][T_i] reported while sampling
   * @param completionMask [B][T_i] 1 = trained; the factor of an untrained token is 1
   * @return [B][T_i]
   */
  public float[][] factors(
      float[][] oldLogProbs, float[][] samplingLogProbs, float[][] completionMask) {
    Shapes.check("oldLogProbs", Shapes.lengths(oldLogProbs), completionMask);
    Shapes.check("samplingLogProbs", Shapes.lengths(samplingLogProbs), completionMask);
    float[][] out = new float[completionMask.length][];
    for (int i = 0; i < out.length; i++) {
      float[] mask = completionMask[i];
      double[] difference = new double[mask.length];
      double sum = 0;
      for (int t = 0; t < mask.length; t++) {
        if (mask[t] != 0) {
          difference[t] = (double) oldLogProbs[i][t] - samplingLogProbs[i][t];
          sum += difference[t];
        }
      }
      out[i] = new float[mask.length];
      for (int t = 0; t < mask.length; t++) {
        out[i][t] = mask[t] == 0 ? 1 : bounded(Math.exp(perSequence ? sum : difference[t]));
      }
    }
    return out;
  }

  private float bounded(double factor) {
    return (float)
        switch (mode) {
          case TRUNCATE -> Math.min(factor, max);
          case MASK -> factor >= min && factor <= max ? factor : 0;
        };
  }
}
