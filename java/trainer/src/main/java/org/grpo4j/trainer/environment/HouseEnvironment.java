package org.grpo4j.trainer.environment;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.data.Example;
import org.jspecify.annotations.Nullable;

/**
 * A house whose heating and music are read and set by four tools; the task is done when the model
 * ends its turns and every room is in the state that the reference calls lead to.
 *
 * <p>Judged as BFCL's multi-turn base category is: the row's {@code reference_calls} are carried
 * out on a fresh copy of its {@code world}, and the two final states are compared, whatever way the
 * model took. A call that fails costs {@value #FAILURE_COST}.
 */
public final class HouseEnvironment implements ToolEnvironment {
  /** Taken off a turn's reward for each call that failed. */
  static final double FAILURE_COST = 0.1;

  /** Column of the initial state: {@code {Kitchen: {heating: 21, volume: 40}, …}}. */
  public static final String WORLD = "world";

  /** Column of the calls that lead to the wanted state: {@code [{name, arguments}, …]}. */
  public static final String REFERENCE_CALLS = "reference_calls";

  @Override
  public List<Map<String, Object>> tools() {
    List<Map<String, Object>> tools = new ArrayList<>();
    tools.add(tool("get_heating", "The heating of a room, in degrees."));
    tools.add(tool("set_heating", "Sets the heating of a room, 10 to 35 degrees.", "degrees"));
    tools.add(tool("get_volume", "The volume of a room's music."));
    tools.add(tool("set_volume", "Sets the volume of a room's music, 10 to 99.", "volume"));
    return tools;
  }

  private static Map<String, Object> tool(String name, String description, String... numbers) {
    Map<String, Object> properties = new LinkedHashMap<>();
    properties.put("room", Map.of("type", "string"));
    for (String number : numbers) {
      properties.put(number, Map.of("type", "integer"));
    }
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("type", "object");
    parameters.put("properties", properties);
    parameters.put("required", List.copyOf(properties.keySet()));
    Map<String, Object> function = new LinkedHashMap<>();
    function.put("name", name);
    function.put("description", description);
    function.put("parameters", parameters);
    Map<String, Object> tool = new LinkedHashMap<>();
    tool.put("type", "function");
    tool.put("function", function);
    return tool;
  }

  @Override
  public World open(Example example, long seed) {
    House house = House.of(example.extra().get(WORLD), example.source());
    House wanted = House.of(example.extra().get(WORLD), example.source());
    for (ToolCall call : referenceCalls(example)) {
      ToolResult result = wanted.call(call);
      if (result.failed()) {
        throw new InputException(
            example.source()
                + ": "
                + REFERENCE_CALLS
                + ": "
                + call.name()
                + ": "
                + result.output());
      }
    }
    return new HouseWorld(house, wanted);
  }

  private static List<ToolCall> referenceCalls(Example example) {
    if (!(example.extra().get(REFERENCE_CALLS) instanceof List<?> list)) {
      throw new InputException(
          example.source() + ": " + REFERENCE_CALLS + " must be a list of {name, arguments}");
    }
    List<ToolCall> calls = new ArrayList<>();
    for (Object item : list) {
      if (!(item instanceof Map<?, ?> call)
          || !(call.get("name") instanceof String name)
          || !(call.get("arguments") instanceof Map<?, ?> given)) {
        throw new InputException(
            example.source()
                + ": "
                + REFERENCE_CALLS
                + "["
                + calls.size()
                + "] must be {name, arguments}");
      }
      Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
      given.forEach((key, value) -> arguments.put(String.valueOf(key), value));
      calls.add(ToolCall.of(name, arguments));
    }
    return calls;
  }

  private record HouseWorld(House house, House wanted) implements World {
    @Override
    public ToolResult call(ToolCall call) {
      return house.call(call);
    }

    @Override
    public double turnReward(AssistantTurn turn) {
      return -FAILURE_COST * turn.failures();
    }

    @Override
    public Outcome outcome(List<AssistantTurn> turns, Ending ending) {
      return Outcome.of(ending == Ending.ANSWERED && house.equalState(wanted));
    }
  }
}
