package org.grpo4j.trainer.environment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.data.Example;
import org.junit.jupiter.api.Test;

class HouseEnvironmentTest {
  private static final Map<String, Object> WORLD =
      Map.of(
          "Attic", Map.of("heating", 21, "volume", 40),
          "Hall", Map.of("heating", 15, "volume", 50));

  private static Example row(Object world, Object calls) {
    return new Example(
        "1",
        List.of(Map.of("role", "user", "content", "Heat the Hall like the Attic")),
        null,
        "",
        List.of(),
        Map.of("world", world, "reference_calls", calls),
        "a test");
  }

  private static Example row() {
    return row(
        WORLD,
        List.of(Map.of("name", "set_heating", "arguments", Map.of("room", "Hall", "degrees", 21))));
  }

  private static ToolCall set(String room, Object degrees) {
    return ToolCall.of("set_heating", Map.of("room", room, "degrees", degrees));
  }

  @Test
  void callsReadAndChangeTheState() {
    World world = new HouseEnvironment().open(row(), 0);
    ToolCall get = ToolCall.of("get_heating", Map.of("room", "Hall"));
    assertEquals(ToolResult.of("{\"degrees\": 15}"), world.call(get));
    assertEquals(ToolResult.of("{\"done\": true}"), world.call(set("Hall", 30)));
    assertEquals(ToolResult.of("{\"degrees\": 30}"), world.call(get));
    ToolCall volume = ToolCall.of("get_volume", Map.of("room", "Attic"));
    assertEquals(ToolResult.of("{\"volume\": 40}"), world.call(volume));
  }

  @Test
  void theFinalStateDecidesWhateverTheWay() {
    HouseEnvironment house = new HouseEnvironment();
    World detour = house.open(row(), 0);
    detour.call(set("Attic", 30));
    detour.call(set("Hall", 21));
    assertEquals(new Outcome(0, false), detour.outcome(List.of(), Ending.ANSWERED));
    detour.call(set("Attic", 21));
    assertEquals(new Outcome(1, true), detour.outcome(List.of(), Ending.ANSWERED));
    // The right state is not enough where the model was cut off.
    assertEquals(new Outcome(0, false), detour.outcome(List.of(), Ending.TURN_LIMIT));
  }

  @Test
  void worldsDoNotShareTheirState() {
    HouseEnvironment house = new HouseEnvironment();
    World one = house.open(row(), 0);
    World other = house.open(row(), 0);
    one.call(set("Hall", 21));
    assertTrue(one.outcome(List.of(), Ending.ANSWERED).success());
    assertEquals(0, other.outcome(List.of(), Ending.ANSWERED).reward());
  }

  @Test
  void mistakesBecomeOutputAndCost() {
    World world = new HouseEnvironment().open(row(), 0);
    List<ToolCall> calls =
        List.of(
            set("Cellar", 21),
            set("Hall", 99),
            set("Hall", "21"),
            ToolCall.of("set_heating", Map.of("room", "Hall")),
            ToolCall.of("get_heating", Map.of("room", "Hall", "degrees", 1)),
            ToolCall.of("open_door", Map.of()));
    List<ToolResult> results = calls.stream().map(world::call).toList();
    assertTrue(results.stream().allMatch(ToolResult::failed), results.toString());
    assertEquals("error: no room Cellar", results.get(0).output());
    assertEquals("error: degrees must be 10 to 35", results.get(1).output());
    assertEquals(-0.6, world.turnReward(new AssistantTurn("", calls, results)), 1e-12);
  }

  @Test
  void rowsWithoutAWorldAreRefused() {
    HouseEnvironment house = new HouseEnvironment();
    for (Example bad :
        List.of(
            row("none", List.of()),
            row(Map.of("Hall", Map.of("heating", 21)), List.of()),
            row(WORLD, "none"),
            row(WORLD, List.of("none")),
            row(WORLD, List.of(Map.of("name", "set_heating", "arguments", Map.of("room", "X")))))) {
      InputException e = assertThrows(InputException.class, () -> house.open(bad, 0));
      assertTrue(String.valueOf(e.getMessage()).startsWith("a test: "), e.getMessage());
    }
  }
}
