package org.grpo4j.trainer.rollout;

import java.util.Arrays;
import java.util.List;
import org.grpo4j.trainer.environment.Episode;
import org.jspecify.annotations.Nullable;

/**
 * What follows a prompt: one sampled answer, or the turns of a conversation with what tools and
 * template wrote between them. Tokens are kept exactly as they were sampled.
 *
 * @param prompt index of its prompt in the list given to the sampler
 * @param tokens token ids, the stop token included where one was sampled
 * @param samplingLogProbs log-probability in nats of each token under the policy that sampled it,
 *     at the sampling temperature and before top-k and top-p, from the loss kernel's statistics; 0
 *     for tokens that were not sampled
 * @param entropies entropy in nats of the distribution each token was drawn from, likewise
 * @param finished whether it ended by itself; false means the length limit cut it
 * @param episode the conversation; null for one answer, whose tokens were all sampled
 */
// Arrays: one number per token, copied into native memory.
@SuppressWarnings("ArrayRecordComponent")
public record Completion(
    int prompt,
    int[] tokens,
    float[] samplingLogProbs,
    float[] entropies,
    boolean finished,
    @Nullable Episode episode) {
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
    return new Completion(index, tokens, samplingLogProbs, entropies, finished, episode);
  }

  /** One answer. */
  public Completion(
      int prompt, int[] tokens, float[] samplingLogProbs, float[] entropies, boolean finished) {
    this(prompt, tokens, samplingLogProbs, entropies, finished, null);
  }

  /**
   * A stretch of sampled tokens.
   *
   * @param first index of its first token
   * @param end the index after its last
   */
  public record Span(int first, int end) {
    /** Number of tokens. */
    public int length() {
      return end - first;
    }
  }

  /** Number of tokens, the stop token and those of tools included. */
  public int length() {
    return tokens.length;
  }

  /** The turns' sampled tokens, in order; everything outside was written by tools or template. */
  public List<Span> sampledSpans() {
    return episode == null
        ? List.of(new Span(0, tokens.length))
        : episode.turns().stream()
            .map(turn -> new Span(turn.firstToken(), turn.endToken()))
            .toList();
  }

  /** 1 at sampled tokens, 0 elsewhere: what may be trained on, [length]. */
  public float[] sampledMask() {
    float[] mask = new float[tokens.length];
    for (Span span : sampledSpans()) {
      Arrays.fill(mask, span.first(), span.end(), 1);
    }
    return mask;
  }

  /** Number of sampled tokens. */
  public int sampledLength() {
    return sampledSpans().stream().mapToInt(Span::length).sum();
  }

  /** The tokens as tensors and tokenizers take them; a copy. */
  public long[] ids() {
    return Arrays.stream(tokens).asLongStream().toArray();
  }
}
