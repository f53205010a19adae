package org.grpo4j.trainer.weight;

/**
 * ResT's token weights in their release form (arXiv 2509.21826, the authors' published code): the
 * region's weight at this step, the greatest where regions overlap; positive weights clamped, then
 * divided by their mean over the completion's trained tokens. Tokens outside the regions weigh 0.
 */
public final class RestTokenWeights {
  /** The least mean that is divided by, as released. */
  private static final double MIN_MEAN = 1e-8;

  private final RestCurriculum curriculum;

  public RestTokenWeights(RestCurriculum curriculum) {
    this.curriculum = curriculum;
  }

  /** With the published curriculum. */
  public static RestTokenWeights release() {
    return new RestTokenWeights(RestCurriculum.release());
  }

  /**
   * The weights of one completion.
   *
   * @param regions of its text's tokens, n ≤ T; tokens past them (a stop token, padding) weigh 0
   * @param completionMask [T] 1 = trained
   * @param step the optimizer step from 0, possibly scaled so that a short run spans the curriculum
   * @return [T] mean 1 over the trained tokens that have a region, 0 elsewhere
   */
  public float[] compute(TokenRegions regions, float[] completionMask, double step) {
    if (regions.regions().size() > completionMask.length) {
      throw new IllegalArgumentException(
          "completionMask has "
              + completionMask.length
              + " tokens, the text has "
              + regions.regions().size());
    }
    double[] weights = new double[completionMask.length];
    for (TokenRegions.TokenSpan span : regions.placed()) {
      double weight = curriculum.weight(span.region(), step);
      for (int t = span.first(); t < span.end(); t++) {
        weights[t] = Math.max(weights[t], weight);
      }
    }
    return normalise(weights, completionMask);
  }

  private float[] normalise(double[] weights, float[] completionMask) {
    double sum = 0;
    int n = 0;
    for (int t = 0; t < weights.length; t++) {
      if (completionMask[t] == 0) {
        weights[t] = 0;
      } else if (weights[t] > 0) {
        weights[t] = Math.min(Math.max(weights[t], curriculum.min()), curriculum.max());
        sum += weights[t];
        n++;
      }
    }
    double mean = n == 0 ? 1 : Math.max(sum / n, MIN_MEAN);
    float[] out = new float[weights.length];
    for (int t = 0; t < out.length; t++) {
      out[t] = (float) (weights[t] / mean);
    }
    return out;
  }
}
