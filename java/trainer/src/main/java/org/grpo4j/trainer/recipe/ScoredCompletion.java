package org.grpo4j.trainer.recipe;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.environment.Episode;
import org.grpo4j.trainer.reward.ExactCallReward;
import org.grpo4j.trainer.rollout.Completion;
import org.grpo4j.trainer.weight.Region;
import org.jspecify.annotations.Nullable;

/**
 * A completion with everything the update needs of it; per-token values have its length.
 *
 * @param group the draw of its prompt, which the other completions of the group share
 * @param prompt what it answers
 * @param completion its tokens as sampled, and in a conversation those between the turns
 * @param text its decoded text, special tokens left out
 * @param rewards value of each reward function, by its name
 * @param parts named components of the rewards, for the logs
 * @param reward weighted sum of the rewards
 * @param regions region of each token, the one of highest precedence
 * @param regionSets every region of each token, bit k for the region of that bit
 * @param tokenWeights weight of each token before aggregation: ResT's, or 1
 * @param advantage one value for all its tokens
 * @param oldLogProbs log-probability of each token that the ratio starts from: as sampled, or
 *     computed again by the trainer where a rollout correction is asked for
 * @param refLogProbs log-probability of each token under the reference model, null without one
 */
// Arrays: they are copied into native memory token by token.
@SuppressWarnings("ArrayRecordComponent")
record ScoredCompletion(
    long group,
    RenderedPrompt prompt,
    Completion completion,
    String text,
    Map<String, Double> rewards,
    Map<String, Double> parts,
    double reward,
    List<Region> regions,
    byte[] regionSets,
    float[] tokenWeights,
    double advantage,
    float[] oldLogProbs,
    float @Nullable [] refLogProbs) {

  int length() {
    return completion.length();
  }

  ScoredCompletion withAdvantage(double value) {
    return with(tokenWeights, value, oldLogProbs, refLogProbs);
  }

  ScoredCompletion withOldLogProbs(float[] values) {
    return with(tokenWeights, advantage, values, refLogProbs);
  }

  ScoredCompletion withReference(float[] values) {
    return with(tokenWeights, advantage, oldLogProbs, values);
  }

  ScoredCompletion withTokenWeights(float[] values) {
    return with(values, advantage, oldLogProbs, refLogProbs);
  }

  private ScoredCompletion with(
      float[] newTokenWeights,
      double newAdvantage,
      float[] newOldLogProbs,
      float @Nullable [] newRefLogProbs) {
    return new ScoredCompletion(
        group,
        prompt,
        completion,
        text,
        rewards,
        parts,
        reward,
        regions,
        regionSets,
        newTokenWeights,
        newAdvantage,
        newOldLogProbs,
        newRefLogProbs);
  }

  /** The same among others of a group. */
  ScoredCompletion withGroup(long newGroup) {
    return new ScoredCompletion(
        newGroup,
        prompt,
        completion,
        text,
        rewards,
        parts,
        reward,
        regions,
        regionSets,
        tokenWeights,
        advantage,
        oldLogProbs,
        refLogProbs);
  }

  /**
   * A stretch of its tokens as a completion of its own.
   *
   * @param before the prompt and what comes before the stretch
   * @param stretch the tokens
   * @param newReward what they are worth
   */
  ScoredCompletion part(
      RenderedPrompt before, Completion stretch, Completion.Span span, double newReward) {
    return new ScoredCompletion(
        group,
        before,
        stretch,
        text,
        rewards,
        parts,
        newReward,
        regions.subList(span.first(), span.end()),
        Arrays.copyOfRange(regionSets, span.first(), span.end()),
        Arrays.copyOfRange(tokenWeights, span.first(), span.end()),
        0,
        Arrays.copyOfRange(oldLogProbs, span.first(), span.end()),
        null);
  }

  /**
   * Whether the task was done: the environment says so, or the answer's calls equal the
   * reference's.
   */
  boolean exact() {
    Episode episode = completion.episode();
    return episode == null
        ? ExactCallReward.isExact(text, prompt.example().answer())
        : episode.outcome().success();
  }

  static long[] groupIds(List<ScoredCompletion> scored) {
    return scored.stream().mapToLong(ScoredCompletion::group).toArray();
  }
}
