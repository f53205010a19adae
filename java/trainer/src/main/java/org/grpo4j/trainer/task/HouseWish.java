package org.grpo4j.trainer.task;

import static org.grpo4j.trainer.task.ToolParameter.number;
import static org.grpo4j.trainer.task.ToolParameter.word;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A kind of wish about the house.
 *
 * @param parameters what its wordings leave open
 * @param calls the calls that fulfil it
 * @param phrasings questions with {@code {parameter}} where a value goes
 */
record HouseWish(
    List<ToolParameter> parameters, Solution calls, Map<PhrasingSet, List<String>> phrasings) {
  static final ToolParameter DEGREES = number("degrees", 10, 35);
  static final ToolParameter VOLUME = number("volume", 10, 99);
  private static final ToolParameter ROOM = word("room", ToolCatalogue.ROOMS);
  private static final ToolParameter SOURCE = word("source", ToolCatalogue.ROOMS);
  private static final ToolParameter TARGET = word("target", ToolCatalogue.ROOMS);
  private static final ToolParameter OTHER = word("other", ToolCatalogue.ROOMS);

  static final List<HouseWish> ALL = List.of(sameHeating(), sameVolume(), spreadHeating(), both());

  /** The calls that fulfil a wish in a house. */
  interface Solution {
    List<ToolCall> of(Map<String, Object> values, Map<String, Map<String, Integer>> house);
  }

  /** Distinct values for the parameters: a room is no model for itself. */
  Map<String, Object> draw(Split split, SplittableRandom random) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (ToolParameter parameter : parameters) {
      Object value = parameter.sample(random, split);
      while (values.containsValue(value)) {
        value = parameter.sample(random, split);
      }
      values.put(parameter.name(), value);
    }
    return values;
  }

  List<String> wordings(PhrasingSet set) {
    return phrasings.getOrDefault(set, List.of());
  }

  private static HouseWish sameHeating() {
    return new HouseWish(
        List.of(TARGET, SOURCE),
        (values, house) -> like("heating", "degrees", house, values, "target"),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Heat the {target} like the {source}",
                "Set the heating in the {target} to that of the {source}",
                "The {target} should be as warm as the {source}",
                "As warm as the {source}, that is how I want the {target}"),
            PhrasingSet.UNSEEN,
            List.of(
                "Same degrees for the {target} as in the {source}",
                "Bring the {target} to the warm degrees of the {source}",
                "What the {source} has in heating I want in the {target}"),
            PhrasingSet.NEVER,
            List.of(
                "Copy the {source} radiator over to the {target}",
                "In the {target} I freeze, it must be the temperature of the {source}")));
  }

  private static HouseWish sameVolume() {
    return new HouseWish(
        List.of(TARGET, SOURCE),
        (values, house) -> like("volume", "volume", house, values, "target"),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Play music in the {target} like in the {source}",
                "Set the volume in the {target} to that of the {source}",
                "The music in the {target} should have the volume of the {source}",
                "As loud as the {source}, that is how I want the {target}"),
            PhrasingSet.UNSEEN,
            List.of(
                "Same volume for the {target} as in the {source}",
                "Bring the music of the {target} to that of the {source}",
                "What the {source} has in volume I want in the {target}"),
            PhrasingSet.NEVER,
            List.of(
                "Songs in the {target} no softer than those in the {source}",
                "The {target} speakers must match the {source}")));
  }

  private static HouseWish spreadHeating() {
    return new HouseWish(
        List.of(TARGET, OTHER, SOURCE),
        (values, house) -> like("heating", "degrees", house, values, "target", "other"),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Heat the {target} and the {other} like the {source}",
                "Set the heating in the {target} and the {other} to that of the {source}",
                "The {target} and the {other} should be as warm as the {source}",
                "As warm as the {source}, that is how I want the {target} and the {other}"),
            PhrasingSet.UNSEEN,
            List.of(
                "Same degrees for the {target} and the {other} as in the {source}",
                "Bring the {target} and the {other} to the warm degrees of the {source}",
                "What the {source} has in heating I want in the {target} and the {other}"),
            PhrasingSet.NEVER,
            List.of(
                "Copy the {source} radiator over to the {target} and the {other}",
                "I freeze in {target} and {other}, take the temperature of the {source}")));
  }

  private static HouseWish both() {
    return new HouseWish(
        List.of(ROOM, DEGREES, VOLUME),
        (values, house) ->
            List.of(
                set("heating", "degrees", at(values, "room"), at(values, "degrees")),
                set("volume", "volume", at(values, "room"), at(values, "volume"))),
        Map.of(
            PhrasingSet.SEEN,
            List.of(
                "Heat the {room} to {degrees} degrees and play music at volume {volume}",
                "For the {room} I want {degrees} degrees and a volume of {volume}",
                "Music in the {room} at volume {volume}, heating at {degrees} degrees",
                "Set the heating to {degrees} and the volume to {volume} in the {room}"),
            PhrasingSet.UNSEEN,
            List.of(
                "Make {degrees} degrees in the {room} with music at {volume}",
                "With a volume of {volume} let music run in the {room}, {degrees} degrees warm",
                "It is cold in the {room}, have {degrees} degrees and volume {volume}"),
            PhrasingSet.NEVER,
            List.of(
                "Songs up to {volume} for the {room}, radiator to {degrees}",
                "Let the {room} speakers run at {volume} and the temperature at {degrees}")));
  }

  /** Read the source, then set each target to what was read. */
  private static List<ToolCall> like(
      String quantity,
      String argument,
      Map<String, Map<String, Integer>> house,
      Map<String, Object> values,
      String... targets) {
    Object source = at(values, "source");
    Integer wanted = at(at(house, source.toString()), quantity);
    Map<String, Object> read = new LinkedHashMap<>();
    read.put("room", source);
    List<ToolCall> calls = new ArrayList<>();
    calls.add(new ToolCall("get_" + quantity, read));
    for (String target : targets) {
      calls.add(set(quantity, argument, at(values, target), wanted));
    }
    return calls;
  }

  private static ToolCall set(String quantity, String argument, Object room, Object value) {
    Map<String, Object> arguments = new LinkedHashMap<>();
    arguments.put("room", room);
    arguments.put(argument, value);
    return new ToolCall("set_" + quantity, arguments);
  }

  private static <T> T at(Map<String, T> map, String name) {
    T value = map.get(name);
    if (value == null) {
      throw new IllegalStateException("no " + name + " among " + map.keySet());
    }
    return value;
  }
}
