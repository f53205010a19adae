package org.grpo4j.kernels;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.jspecify.annotations.Nullable;

/**
 * What the objective needs of each of N rows; every array has exactly N elements from its position
 * to its limit.
 *
 * <p>loss = Σ policyWeight·ℓ + Σ regularizerWeight·(klCoef·KL − entropyCoef·H). A row whose two
 * weights are 0 is not read, and its gradient is exactly 0.
 *
 * @param targets the sampled token of each row, already shifted, in [0, vocab)
 * @param oldLogProbs log-probs under the policy that the ratio refers to; null: on policy, ratio 1
 *     and slope −A
 * @param refLogProbs log-probs under the reference policy; null without KL
 * @param advantages one per row
 * @param policyWeights weight of the policy term: mask × aggregation × everything else
 * @param regularizerWeights weight of KL and entropy
 * @param rowIndices which rows of the logits these are, strictly increasing; the others are neither
 *     read nor written. Null: all rows, in order
 */
public record PolicyBatch(
    LongPointer targets,
    @Nullable FloatPointer oldLogProbs,
    @Nullable FloatPointer refLogProbs,
    FloatPointer advantages,
    FloatPointer policyWeights,
    FloatPointer regularizerWeights,
    @Nullable LongPointer rowIndices) {

  void check(long n, double klCoef) {
    Arguments.array("targets", targets, n);
    Arguments.optionalArray("oldLogProbs", oldLogProbs, n);
    Arguments.optionalArray("refLogProbs", refLogProbs, n);
    Arguments.check(
        klCoef == 0 || refLogProbs != null, "refLogProbs is null: klCoef = %s needs it", klCoef);
    Arguments.array("advantages", advantages, n);
    Arguments.array("policyWeights", policyWeights, n);
    Arguments.array("regularizerWeights", regularizerWeights, n);
  }
}
