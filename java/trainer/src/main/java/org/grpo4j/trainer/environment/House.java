package org.grpo4j.trainer.environment;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.grpo4j.torch.InputException;
import org.jspecify.annotations.Nullable;

/**
 * Rooms with a heating and a music volume: the state that calls read and change.
 *
 * <p>Tools: {@code get_heating(room)}, {@code set_heating(room, degrees)}, {@code
 * get_volume(room)}, {@code set_volume(room, volume)}.
 */
final class House {
  /** A quantity of a room, by the name that its tools end with. */
  private enum Quantity {
    HEATING("degrees", 10, 35),
    VOLUME("volume", 10, 99);

    private final String argument;
    private final int least;
    private final int most;

    Quantity(String argument, int least, int most) {
      this.argument = argument;
      this.least = least;
      this.most = most;
    }

    String key() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  private final Map<String, Map<String, Integer>> rooms = new TreeMap<>();

  private House() {}

  /**
   * Reads a state.
   *
   * @param description {@code {Kitchen: {heating: 21, volume: 40}, …}}
   * @throws InputException it is none; {@code source} says where it stood
   */
  static House of(@Nullable Object description, String source) {
    if (!(description instanceof Map<?, ?> map) || map.isEmpty()) {
      throw new InputException(
          source
              + ": world must be a map of rooms, for example {Kitchen: {heating: 21, volume: 40}}");
    }
    House house = new House();
    map.forEach(
        (room, values) -> house.rooms.put(String.valueOf(room), room(values, room, source)));
    return house;
  }

  private static Map<String, Integer> room(
      @Nullable Object values, @Nullable Object name, String source) {
    Map<String, Integer> room = new LinkedHashMap<>();
    for (Quantity quantity : Quantity.values()) {
      Object value = values instanceof Map<?, ?> map ? map.get(quantity.key()) : null;
      if (!(value instanceof Integer number)) {
        throw new InputException(
            source + ": world." + name + "." + quantity.key() + " must be a whole number");
      }
      room.put(quantity.key(), number);
    }
    return room;
  }

  /** Carries out a call. */
  ToolResult call(ToolCall call) {
    for (Quantity quantity : Quantity.values()) {
      if (call.name().equals("get_" + quantity.key())) {
        return get(quantity, call);
      }
      if (call.name().equals("set_" + quantity.key())) {
        return set(quantity, call);
      }
    }
    return ToolResult.failure("no tool " + call.name());
  }

  private ToolResult get(Quantity quantity, ToolCall call) {
    Map<String, Integer> room = rooms.get(String.valueOf(call.arguments().get("room")));
    if (room == null) {
      return noRoom(call);
    }
    if (call.arguments().size() != 1) {
      return ToolResult.failure("want room");
    }
    return ToolResult.of("{\"" + quantity.argument + "\": " + room.get(quantity.key()) + "}");
  }

  private ToolResult set(Quantity quantity, ToolCall call) {
    Map<String, Integer> room = rooms.get(String.valueOf(call.arguments().get("room")));
    if (room == null) {
      return noRoom(call);
    }
    if (call.arguments().size() != 2
        || !(call.arguments().get(quantity.argument) instanceof Integer value)) {
      return ToolResult.failure("want room and " + quantity.argument);
    }
    if (value < quantity.least || value > quantity.most) {
      return ToolResult.failure(
          quantity.argument + " must be " + quantity.least + " to " + quantity.most);
    }
    room.put(quantity.key(), value);
    return ToolResult.of("{\"done\": true}");
  }

  private static ToolResult noRoom(ToolCall call) {
    return ToolResult.failure("no room " + call.arguments().get("room"));
  }

  /** Whether every quantity of every room is the same. */
  boolean equalState(House other) {
    return rooms.equals(other.rooms);
  }
}
