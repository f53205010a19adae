package org.grpo4j.kernels.weight;

import java.util.Arrays;

/**
 * Masks that take tokens out of the policy term and leave KL and entropy bonus alone: factors for
 * {@link TokenWeights.Input#withCorrection}, to be multiplied with others by {@link #product}.
 */
public final class TokenMasks {
  private TokenMasks() {}

  /**
   * 1 for tokens whose entropy is at least the (1 − fraction) quantile of the trained tokens'
   * entropies, else 0 (arXiv 2506.01939; TRL's top_entropy_quantile). The quantile is interpolated
   * linearly in float, as TRL's: where it falls on a token, rounding decides whether that one
   * stays.
   *
   * @param completionMask [B][T_i] 1 = trained
   * @param entropies [B][T_i] nats
   * @param fraction ρ in [0, 1]; 0 keeps the token of the highest entropy, 1 every token
   * @return [B][T_i]
   */
  public static float[][] topEntropy(
      float[][] completionMask, double[][] entropies, double fraction) {
    if (!(fraction >= 0 && fraction <= 1)) {
      throw new IllegalArgumentException("fraction is " + fraction + ": want >= 0 and <= 1");
    }
    Shapes.check("entropies", Shapes.lengths(entropies), completionMask);
    double threshold =
        fraction == 1
            ? Double.NEGATIVE_INFINITY
            : quantile(completionMask, entropies, 1 - fraction);
    float[][] out = new float[completionMask.length][];
    for (int i = 0; i < out.length; i++) {
      out[i] = new float[completionMask[i].length];
      for (int t = 0; t < out[i].length; t++) {
        out[i][t] = entropies[i][t] >= threshold ? 1 : 0;
      }
    }
    return out;
  }

  private static double quantile(float[][] mask, double[][] values, double q) {
    float[] sorted = new float[Arrays.stream(mask).mapToInt(m -> m.length).sum()];
    int n = 0;
    for (int i = 0; i < mask.length; i++) {
      for (int t = 0; t < mask[i].length; t++) {
        if (mask[i][t] != 0) {
          sorted[n++] = (float) values[i][t];
        }
      }
    }
    if (n == 0) {
      return Double.NEGATIVE_INFINITY;
    }
    Arrays.sort(sorted, 0, n);
    float position = (float) q * (n - 1);
    int below = (int) position;
    float low = sorted[below];
    float high = sorted[Math.min(below + 1, n - 1)];
    float share = position - below;
    return share < 0.5f ? low + share * (high - low) : high - (1 - share) * (high - low);
  }

  /**
   * 0 for every token of a completion with a negative advantage whose mean oldLogProb − logProb
   * over its trained tokens exceeds the threshold, else 1 (TRL's off_policy_mask_threshold).
   *
   * @param advantages [B]
   * @param logProbs [B][T_i] of the policy
   * @param oldLogProbs [B][T_i] of the policy that sampled
   * @param completionMask [B][T_i] 1 = trained
   * @return [B][T_i]
   */
  public static float[][] offPolicySequences(
      double[] advantages,
      double[][] logProbs,
      double[][] oldLogProbs,
      float[][] completionMask,
      double threshold) {
    Shapes.check("logProbs", Shapes.lengths(logProbs), completionMask);
    Shapes.check("oldLogProbs", Shapes.lengths(oldLogProbs), completionMask);
    if (advantages.length != completionMask.length) {
      throw new IllegalArgumentException(
          "advantages has shape [" + advantages.length + "]: want [" + completionMask.length + "]");
    }
    float[][] out = new float[completionMask.length][];
    for (int i = 0; i < out.length; i++) {
      double sum = 0;
      double tokens = 0;
      for (int t = 0; t < completionMask[i].length; t++) {
        sum += completionMask[i][t] * (oldLogProbs[i][t] - logProbs[i][t]);
        tokens += completionMask[i][t];
      }
      boolean dropped = advantages[i] < 0 && sum / Math.max(1, tokens) > threshold;
      out[i] = new float[completionMask[i].length];
      Arrays.fill(out[i], dropped ? 0 : 1);
    }
    return out;
  }

  /**
   * Two masks or corrections, element by element.
   *
   * @param a [B][T_i]
   * @param b [B][T_i]
   * @return [B][T_i]
   */
  public static float[][] product(float[][] a, float[][] b) {
    Shapes.check("b", Shapes.lengths(b), a);
    float[][] out = new float[a.length][];
    for (int i = 0; i < out.length; i++) {
      out[i] = a[i].clone();
      for (int t = 0; t < out[i].length; t++) {
        out[i][t] *= b[i][t];
      }
    }
    return out;
  }
}
