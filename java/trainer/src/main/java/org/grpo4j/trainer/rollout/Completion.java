package org.grpo4j.trainer.rollout;

import java.util.Arrays;

/**
 * One sampled completion, its tokens kept exactly as they were sampled.
 *
 * @param prompt index of its prompt in the list given to the sampler
 * @param tokens token ids, the stop token included where one was sampled
 * @param samplingLogProbs log-probability in nats of each token under the policy that sampled it,
 *     at the sampling temperature and before top-k and top-p, from the loss kernel's statistics
 * @param entropies entropy in nats of the distribution each token was drawn from, likewise
 * @param finished whether a stop token ended it; false means the length limit cut it
 */
// Arrays: one number per token, copied into native memory.
@SuppressWarnings("ArrayRecordComponent")
public record Completion(
    int prompt, int[] tokens, float[] samplingLogProbs, float[] entropies, boolean finished) {
  public Completion {
    if (tokens.length != samplingLogProbs.length || tokens.length != entropies.length) {
      throw new IllegalArgumentException(
          "samplingLogProbs and entropies have lengths "
              + samplingLogProbs.length
              + " and "
              + entropies.length
              + ", wanted one per token: "
              + tokens.length);
    }
  }

  /** The same, counted into another list of prompts. */
  public Completion ofPrompt(int index) {
    return new Completion(index, tokens, samplingLogProbs, entropies, finished);
  }

  /** Number of tokens, the stop token included. */
  public int length() {
    return tokens.length;
  }

  /** The tokens as tensors and tokenizers take them; a copy. */
  public long[] ids() {
    return Arrays.stream(tokens).asLongStream().toArray();
  }
}
