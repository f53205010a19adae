package org.grpo4j.kernels.weight;

import org.jspecify.annotations.Nullable;

/**
 * The two weights of every token of an optimizer step, over all its micro-batches: loss = Σ
 * policyWeight·ℓ + Σ regularizerWeight·(klCoef·KL − entropyCoef·H). Because they hold mask and
 * aggregation, the kernel knows of neither, and micro-batches simply add up.
 *
 * <p>With m the mask, ω the token weights (1 where there are none), c the rollout correction (1
 * where there is none), regularizerWeight is
 *
 * <ul>
 *   <li>TOKEN_MEAN: m·ω / Σ m·ω
 *   <li>SEQ_MEAN_TOKEN_MEAN: m·ω / (B · Σ m of the completion)
 *   <li>SEQ_MEAN_TOKEN_SUM: m·ω / B
 *   <li>SEQ_MEAN_TOKEN_SUM_NORM: m·ω / (B · maxCompletionLength)
 * </ul>
 *
 * and policyWeight is c times that. Only the weighted token mean puts ω into its denominator, as in
 * ResT's release. A denominator of 0 gives weight 0. Sums are in double, in the order of the
 * tokens.
 *
 * @param policyWeights [B][T_i]
 * @param regularizerWeights [B][T_i]
 */
// Arrays: they are copied into native memory token by token.
@SuppressWarnings("ArrayRecordComponent")
public record TokenWeights(float[][] policyWeights, float[][] regularizerWeights) {

  /**
   * What the weights are made of.
   *
   * @param completionMask [B][T_i] 1 = trained; completions of different lengths
   * @param tokenWeights [B][T_i] ω, or null for 1
   * @param correction [B][T_i] factor of the policy term alone, or null for 1
   * @param aggregation how tokens become one loss
   * @param maxCompletionLength the denominator of SEQ_MEAN_TOKEN_SUM_NORM
   * @param microBatchSizes completions of each micro-batch, if the denominators are to be each
   *     micro-batch's own and the micro-batches averaged (BNPO); null for the whole step's
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Input(
      float[][] completionMask,
      float @Nullable [][] tokenWeights,
      float @Nullable [][] correction,
      Aggregation aggregation,
      int maxCompletionLength,
      int @Nullable [] microBatchSizes) {
    public Input {
      if (tokenWeights != null) {
        Shapes.check("tokenWeights", Shapes.lengths(tokenWeights), completionMask);
      }
      if (correction != null) {
        Shapes.check("correction", Shapes.lengths(correction), completionMask);
      }
      if (maxCompletionLength <= 0) {
        throw new IllegalArgumentException(
            "maxCompletionLength is " + maxCompletionLength + ": want > 0");
      }
      if (microBatchSizes != null) {
        checkMicroBatches(microBatchSizes, completionMask.length);
      }
    }

    private static void checkMicroBatches(int[] sizes, int completions) {
      long sum = 0;
      for (int size : sizes) {
        sum += size;
        if (size < 0) {
          throw new IllegalArgumentException("microBatchSizes has " + size + ": want >= 0");
        }
      }
      if (sum != completions) {
        throw new IllegalArgumentException(
            "microBatchSizes sum to " + sum + ": want the " + completions + " completions");
      }
    }

    /** Mask and aggregation alone, over the whole step. */
    public static Input of(
        float[][] completionMask, Aggregation aggregation, int maxCompletionLength) {
      return new Input(completionMask, null, null, aggregation, maxCompletionLength, null);
    }

    /** The same with token weights. */
    public Input withTokenWeights(float[][] weights) {
      return new Input(
          completionMask, weights, correction, aggregation, maxCompletionLength, microBatchSizes);
    }

    /** The same with a rollout correction. */
    public Input withCorrection(float[][] factors) {
      return new Input(
          completionMask, tokenWeights, factors, aggregation, maxCompletionLength, microBatchSizes);
    }

    /** The same with denominators per micro-batch. */
    public Input withMicroBatches(int... sizes) {
      return new Input(
          completionMask, tokenWeights, correction, aggregation, maxCompletionLength, sizes);
    }
  }

  /** Computes the weights of an optimizer step. */
  public static TokenWeights compute(Input in) {
    int n = in.completionMask().length;
    float[][] policy = new float[n][];
    float[][] regularizer = new float[n][];
    int[] sizes = in.microBatchSizes() != null ? in.microBatchSizes() : new int[] {n};
    int start = 0;
    for (int size : sizes) {
      aggregate(in, start, start + size, sizes.length, regularizer);
      start += size;
    }
    for (int i = 0; i < n; i++) {
      policy[i] = regularizer[i].clone();
      if (in.correction() != null) {
        for (int t = 0; t < policy[i].length; t++) {
          policy[i][t] *= in.correction()[i][t];
        }
      }
    }
    return new TokenWeights(policy, regularizer);
  }

  /** Fills in completions start to end, whose share of the loss is one of so many equal parts. */
  private static void aggregate(Input in, int start, int end, int parts, float[][] out) {
    double total = 0;
    if (in.aggregation() == Aggregation.TOKEN_MEAN) {
      for (int i = start; i < end; i++) {
        total += sum(weighted(in, i));
      }
    }
    int completions = end - start;
    for (int i = start; i < end; i++) {
      double denominator =
          switch (in.aggregation()) {
            case TOKEN_MEAN -> total;
            case SEQ_MEAN_TOKEN_MEAN -> completions * sum(in.completionMask()[i]);
            case SEQ_MEAN_TOKEN_SUM -> completions;
            case SEQ_MEAN_TOKEN_SUM_NORM -> (double) completions * in.maxCompletionLength();
          };
      double factor = denominator > 0 ? 1 / (denominator * parts) : 0;
      float[] weights = weighted(in, i);
      for (int t = 0; t < weights.length; t++) {
        weights[t] = (float) (weights[t] * factor);
      }
      out[i] = weights;
    }
  }

  /** m·ω of one completion, in a new array. */
  private static float[] weighted(Input in, int i) {
    float[] out = in.completionMask()[i].clone();
    if (in.tokenWeights() != null) {
      for (int t = 0; t < out.length; t++) {
        out[t] *= in.tokenWeights()[i][t];
      }
    }
    return out;
  }

  private static double sum(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum;
  }
}
