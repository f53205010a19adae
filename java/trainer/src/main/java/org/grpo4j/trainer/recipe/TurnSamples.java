package org.grpo4j.trainer.recipe;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.environment.Episode;
import org.grpo4j.trainer.rollout.Completion;

/**
 * Conversations decomposed step by step, as ResT trains: each turn becomes a sample of its own,
 * whose prompt is everything before it.
 *
 * <p>A step's reward is the conversation's from that turn on (its own, later turns' and the
 * outcome), as in GTPO (arXiv 2511.14846) without discount. It is compared with the steps of the
 * same number that the other completions of the same prompt took; a step that only one of them took
 * has nothing to be compared with and is left out.
 */
final class TurnSamples {
  private TurnSamples() {}

  /**
   * The steps of conversations, group after group; their advantages are still 0.
   *
   * @param conversations scored, group after group
   * @param environmentWeight factor of the environment's reward in theirs
   */
  static List<ScoredCompletion> of(List<ScoredCompletion> conversations, double environmentWeight) {
    Map<List<Long>, List<ScoredCompletion>> groups = new LinkedHashMap<>();
    for (ScoredCompletion conversation : conversations) {
      List<Completion.Span> turns = conversation.completion().sampledSpans();
      for (int turn = 0; turn < turns.size(); turn++) {
        groups
            .computeIfAbsent(List.of(conversation.group(), (long) turn), key -> new ArrayList<>())
            .add(step(conversation, turn, environmentWeight));
      }
    }
    List<ScoredCompletion> steps = new ArrayList<>();
    long group = 0;
    for (List<ScoredCompletion> members : groups.values()) {
      if (members.size() > 1) {
        for (ScoredCompletion member : members) {
          steps.add(member.withGroup(group));
        }
        group++;
      }
    }
    return steps;
  }

  private static ScoredCompletion step(
      ScoredCompletion conversation, int turn, double environmentWeight) {
    Completion whole = conversation.completion();
    Completion.Span span = whole.sampledSpans().get(turn);
    boolean last = turn == whole.sampledSpans().size() - 1;
    Completion stretch =
        new Completion(
            whole.prompt(),
            Arrays.copyOfRange(whole.tokens(), span.first(), span.end()),
            Arrays.copyOfRange(whole.samplingLogProbs(), span.first(), span.end()),
            Arrays.copyOfRange(whole.entropies(), span.first(), span.end()),
            !last || whole.finished());
    Episode episode = whole.episode();
    double earlier = episode == null ? 0 : episode.reward() - episode.returnFrom(turn);
    return conversation.part(
        before(conversation, span.first()),
        stretch,
        span,
        conversation.reward() - environmentWeight * earlier);
  }

  /** The first turn's prompt stays the group's, which computes it once. */
  private static RenderedPrompt before(ScoredCompletion conversation, int first) {
    if (first == 0) {
      return conversation.prompt();
    }
    long[] ids = Arrays.copyOf(conversation.completion().ids(), first);
    return conversation.prompt().followedBy(ids);
  }
}
