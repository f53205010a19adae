package org.grpo4j.trainer.weight;

/**
 * ResT's token weights from the regions' (arXiv 2509.21826): a token has the greatest weight of its
 * regions; positive weights are clamped and divided by their mean over the completion's trained
 * tokens that have one. Tokens whose regions weigh 0 weigh 0.
 *
 * <p>The plain form of the kernel library's {@code RegionWeights}, which training uses: reference
 * vectors check this one, and a test holds the two equal.
 *
 * @param min positive weights are at least this
 * @param max and at most this
 * @param clampFirst whether they are clamped before they are divided by their mean, as released;
 *     else after, as in the paper, and then every weight is within the bounds
 */
public record RestTokenWeights(double min, double max, boolean clampFirst) {
  /** The least mean that is divided by, as released. */
  private static final double MIN_MEAN = 1e-8;

  public RestTokenWeights {
    if (!(min > 0 && min <= max)) {
      throw new IllegalArgumentException(
          "min must be positive and at most max, got " + min + " and " + max);
    }
  }

  /** Within [0.001, 8], clamped first: the published program. */
  public static RestTokenWeights release() {
    return new RestTokenWeights(0.001, 8, true);
  }

  /**
   * The weights of one completion.
   *
   * @param regionSets [n] of its text's tokens, n ≤ T, see {@link TokenRegions#sets}; tokens past
   *     them (a stop token, padding) are in no region and weigh 0
   * @param completionMask [T] 1 = trained
   * @return [T] 0 for tokens that are not trained or whose regions weigh 0
   */
  public float[] compute(byte[] regionSets, float[] completionMask, WeightByRegion byRegion) {
    if (regionSets.length > completionMask.length) {
      throw new IllegalArgumentException(
          "completionMask has "
              + completionMask.length
              + " tokens, the text has "
              + regionSets.length);
    }
    double[] ofBit = byRegion.byBit();
    double[] weights = new double[completionMask.length];
    double sum = 0;
    int n = 0;
    for (int t = 0; t < regionSets.length; t++) {
      double weight = completionMask[t] == 0 ? 0 : greatest(regionSets[t], ofBit);
      if (weight > 0) {
        weights[t] = clampFirst ? clamp(weight) : weight;
        sum += weights[t];
        n++;
      }
    }
    double mean = n == 0 ? 1 : Math.max(sum / n, MIN_MEAN);
    float[] out = new float[weights.length];
    for (int t = 0; t < out.length; t++) {
      double scaled = weights[t] / mean;
      out[t] = (float) (scaled > 0 && !clampFirst ? clamp(scaled) : scaled);
    }
    return out;
  }

  private static double greatest(byte set, double[] ofBit) {
    double weight = 0;
    for (int k = 0; k < ofBit.length; k++) {
      if ((set >> k & 1) == 1) {
        weight = Math.max(weight, ofBit[k]);
      }
    }
    return weight;
  }

  private double clamp(double weight) {
    return Math.min(Math.max(weight, min), max);
  }
}
