package org.grpo4j.trainer.conversation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.environment.AssistantTurn;
import org.grpo4j.trainer.environment.Ending;
import org.grpo4j.trainer.environment.Episode;
import org.grpo4j.trainer.environment.ToolCall;
import org.grpo4j.trainer.environment.ToolResult;
import org.grpo4j.trainer.environment.World;
import org.grpo4j.trainer.rollout.Completion;
import org.grpo4j.trainer.rollout.SequenceRandom;
import org.jspecify.annotations.Nullable;

/**
 * A conversation while it grows: prompt, sampled turn, what stands between, sampled turn, … Tokens
 * are only ever appended.
 */
final class Conversation {
  private final int index;
  private final RenderedPrompt prompt;
  private final long seed;
  private final World world;
  private final List<Map<String, Object>> history = new ArrayList<>();
  private final List<Episode.Turn> turns = new ArrayList<>();
  private int[] tokens = new int[0];
  private float[] logProbs = new float[0];
  private float[] entropies = new float[0];
  private @Nullable Ending ending;

  /**
   * @param index of the prompt in the sampler's list
   * @param seed of its draws
   */
  Conversation(int index, RenderedPrompt prompt, long seed, World world) {
    this.index = index;
    this.prompt = prompt;
    this.seed = seed;
    this.world = world;
  }

  RenderedPrompt prompt() {
    return prompt;
  }

  World world() {
    return world;
  }

  /** Messages after the prompt's. */
  List<Map<String, Object>> history() {
    return history;
  }

  /** Tokens after the prompt. */
  int length() {
    return tokens.length;
  }

  /** Turns so far. */
  int turns() {
    return turns.size();
  }

  /** Seed of the next turn: its draws do not depend on how long the turns before it were. */
  long nextSeed() {
    return SequenceRandom.seed(seed, turns.size());
  }

  /** Everything that the next turn follows: prompt and conversation. */
  long[] context() {
    return LongStream.concat(
            LongStream.of(prompt.ids()), IntStream.of(tokens).mapToLong(Integer::toUnsignedLong))
        .toArray();
  }

  /** Appends a sampled turn; it joins the turns when its calls are answered. */
  Completion.Span appendSampled(Completion turn) {
    int first = tokens.length;
    append(turn.tokens(), turn.samplingLogProbs(), turn.entropies());
    return new Completion.Span(first, tokens.length);
  }

  /** Appends what tools and template write before the next turn. */
  void appendGiven(long[] ids) {
    int[] given = Arrays.stream(ids).mapToInt(Math::toIntExact).toArray();
    append(given, new float[given.length], new float[given.length]);
  }

  private void append(int[] newTokens, float[] newLogProbs, float[] newEntropies) {
    int length = tokens.length;
    int total = length + newTokens.length;
    tokens = Arrays.copyOf(tokens, total);
    logProbs = Arrays.copyOf(logProbs, total);
    entropies = Arrays.copyOf(entropies, total);
    System.arraycopy(newTokens, 0, tokens, length, newTokens.length);
    System.arraycopy(newLogProbs, 0, logProbs, length, newTokens.length);
    System.arraycopy(newEntropies, 0, entropies, length, newTokens.length);
  }

  /** A turn is complete: its calls, where there were any, have their results. */
  void addTurn(Completion.Span span, AssistantTurn said) {
    turns.add(new Episode.Turn(span.first(), span.end(), said, world.turnReward(said)));
    history.add(message("assistant", said.text()));
    for (int i = 0; i < said.results().size(); i++) {
      history.add(toolMessage(said.calls().get(i), said.results().get(i)));
    }
  }

  private static Map<String, Object> toolMessage(ToolCall call, ToolResult result) {
    Map<String, Object> message = message("tool", result.output());
    message.put("name", call.name());
    return message;
  }

  private static Map<String, Object> message(String role, String content) {
    Map<String, Object> message = new LinkedHashMap<>();
    message.put("role", role);
    message.put("content", content);
    return message;
  }

  void end(Ending reason) {
    ending = reason;
  }

  boolean open() {
    return ending == null;
  }

  /** The finished conversation, judged by its world. */
  Completion completion() {
    Ending reason = ending;
    if (reason == null) {
      throw new IllegalStateException("the conversation has not ended");
    }
    List<AssistantTurn> said = turns.stream().map(Episode.Turn::said).toList();
    Episode episode = new Episode(turns, reason, world.outcome(said, reason));
    return new Completion(
        index, tokens, logProbs, entropies, reason != Ending.TOKEN_LIMIT, episode);
  }
}
