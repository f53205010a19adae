package org.grpo4j.trainer.recipe;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.Tensor;
import org.grpo4j.kernels.PolicyBatch;
import org.grpo4j.kernels.weight.TokenWeights;
import org.grpo4j.torch.DecoderModel;
import org.grpo4j.torch.PromptBatch;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.rollout.Completion;
import org.grpo4j.trainer.rollout.TokenBatches;
import org.jspecify.annotations.Nullable;

/**
 * Some completions laid out for one pass. Only tokens with a weight become rows: the others cost no
 * logits. It lies on the host, and its memory belongs to the innermost PointerScope.
 *
 * @param prompts each distinct prompt once
 * @param completionIds [B, T] i64, right padded
 * @param lengths [B] i64, tokens of each completion
 * @param positions [N] i64, index of each row among all tokens, one completion after the other
 * @param loss per-row arguments of the kernel, [N] each
 */
record MicroBatch(
    PromptBatch prompts, Tensor completionIds, Tensor lengths, Tensor positions, PolicyBatch loss) {

  /** A completion with the weights of its tokens in the optimizer step. */
  @SuppressWarnings("ArrayRecordComponent")
  record TokenTerms(ScoredCompletion scored, float[] policyWeights, float[] regularizerWeights) {

    /** Those of a part of an optimizer step's completions. */
    static List<TokenTerms> of(
        List<ScoredCompletion> batch, TokenWeights weights, int from, int to) {
      List<TokenTerms> terms = new ArrayList<>();
      for (int i = from; i < to; i++) {
        terms.add(
            new TokenTerms(
                batch.get(i), weights.policyWeights()[i], weights.regularizerWeights()[i]));
      }
      return terms;
    }

    boolean trained(int t) {
      return policyWeights[t] != 0 || regularizerWeights[t] != 0;
    }

    int rows() {
      int rows = 0;
      for (int t = 0; t < policyWeights.length; t++) {
        rows += trained(t) ? 1 : 0;
      }
      return rows;
    }
  }

  /**
   * Lays out the tokens that have a weight; null where none has.
   *
   * @param padToken any valid token id
   */
  static @Nullable MicroBatch of(List<TokenTerms> terms, int padToken) {
    int rows = terms.stream().mapToInt(TokenTerms::rows).sum();
    if (rows == 0) {
      return null;
    }
    RowArrays arrays =
        new RowArrays(terms.size(), rows, terms.get(0).scored().refLogProbs() != null);
    long start = 0;
    for (TokenTerms term : terms) {
      for (int t = 0; t < term.scored().length(); t++) {
        if (term.trained(t)) {
          arrays.add(term, t, start + t);
        }
      }
      arrays.endSequence();
      start += term.scored().length();
    }
    List<ScoredCompletion> scored = terms.stream().map(TokenTerms::scored).toList();
    return new MicroBatch(
        prompts(scored, padToken),
        TokenBatches.rightPadded(scored.stream().map(c -> c.completion().ids()).toList(), padToken),
        TokenBatches.vector(scored.stream().mapToInt(ScoredCompletion::length).toArray()),
        TokenBatches.vector(arrays.positions),
        arrays.toBatch());
  }

  /** Lays out every sampled token, for log-probabilities alone. */
  static MicroBatch allTokens(List<ScoredCompletion> completions, int padToken) {
    List<TokenTerms> terms = new ArrayList<>();
    for (ScoredCompletion c : completions) {
      float[] mask = c.completion().sampledMask();
      terms.add(new TokenTerms(c, mask, mask));
    }
    MicroBatch all = of(terms, padToken);
    if (all == null) {
      throw new IllegalArgumentException("completions: given none, wanted at least one token");
    }
    return all;
  }

  /** The completions' prompts, each laid out once: a group shares one. */
  private static PromptBatch prompts(List<ScoredCompletion> scored, int padToken) {
    IdentityHashMap<RenderedPrompt, Integer> index = new IdentityHashMap<>();
    List<long[]> distinct = new ArrayList<>();
    int[] promptOf = new int[scored.size()];
    for (int b = 0; b < promptOf.length; b++) {
      Integer known = index.putIfAbsent(scored.get(b).prompt(), distinct.size());
      if (known == null) {
        distinct.add(scored.get(b).prompt().ids());
      }
      promptOf[b] = known == null ? distinct.size() - 1 : known;
    }
    return TokenBatches.prompts(distinct, promptOf, padToken);
  }

  /** Logits of the rows, [N, V]; row n is what the model says of target n. */
  Tensor logits(DecoderModel model) {
    Tensor hidden = model.completionHidden(prompts, completionIds, lengths);
    return model.logits(hidden.index_select(0, model.device().move(positions)));
  }

  int rows() {
    return Math.toIntExact(positions.numel());
  }

  /** The numbers of {@link #allTokens}' rows, given back to their completions; 0 elsewhere. */
  static List<float[]> split(FloatPointer rows, List<ScoredCompletion> completions) {
    List<float[]> result = new ArrayList<>();
    long start = 0;
    for (ScoredCompletion c : completions) {
      float[] values = new float[c.length()];
      for (Completion.Span span : c.completion().sampledSpans()) {
        rows.getPointer(start).get(values, span.first(), span.length());
        start += span.length();
      }
      result.add(values);
    }
    return result;
  }

  /** Per-row arguments while they are gathered. */
  private static final class RowArrays {
    final long[] positions;
    private final long[] targets;
    private final float[] old;
    private final float @Nullable [] reference;
    private final float[] advantages;
    private final float[] policy;
    private final float[] regularizer;
    private final long[] sequenceOffsets;
    private int row;
    private int sequence;

    RowArrays(int sequences, int rows, boolean withReference) {
      sequenceOffsets = new long[sequences + 1];
      positions = new long[rows];
      targets = new long[rows];
      old = new float[rows];
      reference = withReference ? new float[rows] : null;
      advantages = new float[rows];
      policy = new float[rows];
      regularizer = new float[rows];
    }

    void add(TokenTerms term, int t, long position) {
      ScoredCompletion scored = term.scored();
      positions[row] = position;
      targets[row] = scored.completion().tokens()[t];
      old[row] = scored.oldLogProbs()[t];
      float[] ref = scored.refLogProbs();
      if (reference != null && ref != null) {
        reference[row] = ref[t];
      }
      advantages[row] = (float) scored.advantage();
      policy[row] = term.policyWeights()[t];
      regularizer[row] = term.regularizerWeights()[t];
      row++;
    }

    void endSequence() {
      sequenceOffsets[++sequence] = row;
    }

    PolicyBatch toBatch() {
      return new PolicyBatch(
              new LongPointer(targets),
              new FloatPointer(old),
              reference == null ? null : new FloatPointer(reference),
              new FloatPointer(advantages),
              new FloatPointer(policy),
              new FloatPointer(regularizer),
              null)
          .withSequences(new LongPointer(sequenceOffsets), false);
    }
  }
}
