package org.grpo4j.trainer.task;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.grpo4j.trainer.data.Example;
import org.grpo4j.trainer.environment.HouseEnvironment;
import org.grpo4j.trainer.environment.World;

/**
 * The embedded multi-turn task: bring the rooms of a house into a wished state, with one call a
 * turn; some wishes need a number that only an earlier call's answer tells.
 *
 * <p>Like {@link EmbeddedTask} in everything else: pure functions of seed and index, wordings by
 * {@link PhrasingSet}, numbers (of the wish and of the house) by {@link Split}.
 */
public final class HouseTask {
  private static final String FINAL_TURN = "<think>done</think>\n<response>Done</response>";

  /** Streams of one seed must not share prompts by accident: the name is part of the start. */
  private enum Stream {
    WARM_START,
    TRAIN,
    HELD_OUT
  }

  private HouseTask() {}

  /** Endless stream for reinforcement learning: {@code apply(i)} is prompt i, i ≥ 0. */
  public static IntFunction<Example> trainPrompts(long seed) {
    return i -> draw(Stream.TRAIN, PhrasingSet.UNSEEN, Split.TRAIN, seed, i).example();
  }

  /** The first n of {@link #trainPrompts(long)}. */
  public static List<Example> trainPrompts(int n, long seed) {
    return IntStream.range(0, n).mapToObj(trainPrompts(seed)).toList();
  }

  /**
   * Whole conversations in the wordings of {@link PhrasingSet#SEEN}: the last turn is the answer,
   * everything before it the prompt.
   */
  public static List<Example> warmStart(int n, long seed) {
    return IntStream.range(0, n)
        .mapToObj(
            i -> demonstration(draw(Stream.WARM_START, PhrasingSet.SEEN, Split.TRAIN, seed, i)))
        .toList();
  }

  /** Held-out prompts with distinct questions: no number in them or their houses is in training. */
  public static List<Example> heldOut(PhrasingSet phrasings, int n, long seed) {
    List<Example> examples = new ArrayList<>(n);
    Set<String> questions = new HashSet<>();
    for (int i = 0; examples.size() < n; i++) {
      Example e = draw(Stream.HELD_OUT, phrasings, Split.HELD_OUT, seed, i).example();
      // The house is part of the question: a wish without numbers is asked in several.
      if (questions.add(EmbeddedTask.question(e) + e.extra().get(HouseEnvironment.WORLD))) {
        examples.add(e);
      }
    }
    return examples;
  }

  /** A prompt and the calls that fulfil it. */
  private record Drawn(Example example, List<ToolCall> calls) {}

  private static Drawn draw(
      Stream stream, PhrasingSet phrasings, Split split, long seed, int index) {
    int salt = (HouseTask.class.getSimpleName() + stream.name() + phrasings.name()).hashCode();
    SplittableRandom random = new SplittableRandom(Split.mix(Split.mix(seed) + salt) + index);
    Map<String, Map<String, Integer>> house = house(split, random);
    HouseWish wish = HouseWish.ALL.get(random.nextInt(HouseWish.ALL.size()));
    Map<String, Object> values = wish.draw(split, random);
    List<String> wordings = wish.wordings(phrasings);
    String question = wordings.get(random.nextInt(wordings.size()));
    for (Map.Entry<String, Object> e : values.entrySet()) {
      question = question.replace("{" + e.getKey() + "}", e.getValue().toString());
    }
    List<ToolCall> calls = wish.calls().of(values, house);
    Map<String, Object> extra = new LinkedHashMap<>();
    extra.put(HouseEnvironment.WORLD, house);
    extra.put(
        HouseEnvironment.REFERENCE_CALLS,
        calls.stream().map(c -> Map.of("name", c.name(), "arguments", c.arguments())).toList());
    extra.put("phrasings", phrasings.name());
    Example example =
        new Example(
            "house-" + phrasings + "-" + split + "-" + seed + "-" + index,
            List.of(Map.of("role", "user", "content", question)),
            null,
            FINAL_TURN,
            List.of(),
            extra,
            "the embedded multi-turn task");
    return new Drawn(example, calls);
  }

  private static Map<String, Map<String, Integer>> house(Split split, SplittableRandom random) {
    Map<String, Map<String, Integer>> house = new LinkedHashMap<>();
    for (String room : ToolCatalogue.ROOMS) {
      Map<String, Integer> state = new LinkedHashMap<>();
      state.put("heating", (Integer) HouseWish.DEGREES.sample(random, split));
      state.put("volume", (Integer) HouseWish.VOLUME.sample(random, split));
      house.put(room, state);
    }
    return house;
  }

  /** The conversation that the calls make, with the house's own answers. */
  private static Example demonstration(Drawn drawn) {
    Example example = drawn.example();
    List<Map<String, Object>> messages = new ArrayList<>(example.messages());
    try (HouseEnvironment environment = new HouseEnvironment();
        World world = environment.open(example, 0)) {
      for (ToolCall call : drawn.calls()) {
        var made = org.grpo4j.trainer.environment.ToolCall.of(call.name(), call.arguments());
        messages.add(Map.of("role", "assistant", "content", call.completion()));
        messages.add(
            Map.of("role", "tool", "name", call.name(), "content", world.call(made).output()));
      }
    }
    return new Example(
        example.id(),
        messages,
        null,
        example.answer(),
        example.tools(),
        example.extra(),
        example.source());
  }
}
