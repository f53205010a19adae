package org.grpo4j.trainer.task;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.grpo4j.trainer.data.Example;

/**
 * The embedded default: pick the right one of three tools and copy the arguments out of a question.
 *
 * <p>A prompt lists three signatures, one a line, and asks a question that one of them answers; the
 * answer is {@code <think>use NAME</think>}, then the call in {@code <tool_call>} tags. Everything
 * is a pure function of the seed and an index: prompt i of a stream is the same on every machine
 * and JDK.
 *
 * <p>Which wordings a stage meets: {@link PhrasingSet}. Which arguments: {@link Split}.
 */
public final class EmbeddedTask {
  private static final int LISTED_TOOLS = 3;

  /** Streams of one seed must not share prompts by accident: the name is part of the start. */
  private enum Stream {
    WARM_START,
    TRAIN,
    HELD_OUT
  }

  private EmbeddedTask() {}

  /** Endless stream for reinforcement learning: {@code apply(i)} is prompt i, i ≥ 0. */
  public static IntFunction<Example> trainPrompts(long seed) {
    return i -> example(Stream.TRAIN, PhrasingSet.UNSEEN, Split.TRAIN, seed, i);
  }

  /** The first n of {@link #trainPrompts(long)}. */
  public static List<Example> trainPrompts(int n, long seed) {
    return IntStream.range(0, n).mapToObj(trainPrompts(seed)).toList();
  }

  /**
   * Supervised examples in the wordings of {@link PhrasingSet#SEEN}.
   *
   * @param n how many
   * @param seed any number
   */
  public static List<Example> warmStart(int n, long seed) {
    List<Example> examples = new ArrayList<>(n);
    for (int i = 0; i < n; i++) {
      examples.add(example(Stream.WARM_START, PhrasingSet.SEEN, Split.TRAIN, seed, i));
    }
    return examples;
  }

  /**
   * Distinct held-out prompts: no number in them occurs in training.
   *
   * @param phrasings the wordings to ask in
   * @param n how many
   * @param seed any number
   */
  public static List<Example> heldOut(PhrasingSet phrasings, int n, long seed) {
    List<Example> examples = new ArrayList<>(n);
    Set<String> questions = new HashSet<>();
    for (int i = 0; examples.size() < n; i++) {
      Example e = example(Stream.HELD_OUT, phrasings, Split.HELD_OUT, seed, i);
      if (questions.add(question(e))) {
        examples.add(e);
      }
    }
    return examples;
  }

  private static Example example(
      Stream stream, PhrasingSet phrasings, Split split, long seed, int index) {
    int salt = (stream.name() + phrasings.name()).hashCode();
    SplittableRandom random = new SplittableRandom(Split.mix(Split.mix(seed) + salt) + index);
    List<ToolSpec> tools = draw(ToolCatalogue.TOOLS, LISTED_TOOLS, random);
    ToolSpec right = tools.get(random.nextInt(LISTED_TOOLS));
    Map<String, Object> arguments = arguments(right, split, random);
    List<String> wordings = right.wordings(phrasings);
    String question = wordings.get(random.nextInt(wordings.size()));
    for (Map.Entry<String, Object> e : arguments.entrySet()) {
      question = question.replace("{" + e.getKey() + "}", e.getValue().toString());
    }
    StringBuilder prompt = new StringBuilder();
    tools.forEach(t -> prompt.append(t.signature()).append('\n'));
    return new Example(
        phrasings + "-" + split + "-" + seed + "-" + index,
        List.of(Map.of("role", "user", "content", prompt.append(question).toString())),
        null,
        new ToolCall(right.name(), arguments).completion(),
        List.of(),
        Map.of("tool", right.name(), "phrasings", phrasings.name()),
        "the embedded task");
  }

  /** The user's text of an example: signatures and question. */
  static String question(Example example) {
    return String.valueOf(example.messages().get(0).get("content"));
  }

  /** Distinct values within a call: from Rome to Rome is no flight. */
  private static Map<String, Object> arguments(
      ToolSpec tool, Split split, SplittableRandom random) {
    Map<String, Object> arguments = new LinkedHashMap<>();
    for (ToolParameter p : tool.parameters()) {
      Object value = p.sample(random, split);
      while (arguments.containsValue(value)) {
        value = p.sample(random, split);
      }
      arguments.put(p.name(), value);
    }
    return Collections.unmodifiableMap(arguments);
  }

  /** The first k of a Fisher-Yates shuffle. */
  private static <T> List<T> draw(List<T> all, int k, SplittableRandom random) {
    List<T> pool = new ArrayList<>(all);
    for (int i = 0; i < k; i++) {
      Collections.swap(pool, i, i + random.nextInt(pool.size() - i));
    }
    return List.copyOf(pool.subList(0, k));
  }
}
