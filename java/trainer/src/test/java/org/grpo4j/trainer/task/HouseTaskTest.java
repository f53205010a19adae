package org.grpo4j.trainer.task;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.grpo4j.trainer.data.Example;
import org.grpo4j.trainer.environment.AssistantTurn;
import org.grpo4j.trainer.environment.CallReader;
import org.grpo4j.trainer.environment.Ending;
import org.grpo4j.trainer.environment.HouseEnvironment;
import org.grpo4j.trainer.environment.ToolResult;
import org.grpo4j.trainer.environment.World;
import org.junit.jupiter.api.Test;

class HouseTaskTest {
  private static final Pattern NUMBER = Pattern.compile("[0-9]+");

  /** What the demonstrations write is read, carried out and judged as success. */
  @Test
  void demonstrationsFulfilTheirWish() {
    HouseEnvironment environment = new HouseEnvironment();
    Set<Integer> lengths = new HashSet<>();
    for (Example e : HouseTask.warmStart(200, 3)) {
      World world = environment.open(e, 0);
      List<Map<String, Object>> messages = e.messages();
      lengths.add(messages.size() / 2);
      for (int m = 1; m < messages.size(); m += 2) {
        var calls = CallReader.read(String.valueOf(messages.get(m).get("content")));
        assertEquals(1, calls.size());
        ToolResult result = world.call(calls.get(0));
        assertFalse(result.failed(), result.output());
        assertEquals(messages.get(m + 1).get("content"), result.output());
        assertEquals("tool", messages.get(m + 1).get("role"));
      }
      assertEquals(List.of(), CallReader.read(e.answer()));
      List<AssistantTurn> turns = List.of(new AssistantTurn(e.answer(), List.of(), List.of()));
      assertTrue(world.outcome(turns, Ending.ANSWERED).success(), e.toString());
    }
    assertEquals(Set.of(2, 3), lengths, "rounds of calls");
  }

  @Test
  void doingNothingIsNoSuccessButWhereNothingIsToDo() {
    HouseEnvironment environment = new HouseEnvironment();
    List<Example> examples = HouseTask.heldOut(PhrasingSet.UNSEEN, 300, 1);
    long idle =
        examples.stream()
            .filter(e -> environment.open(e, 0).outcome(List.of(), Ending.ANSWERED).success())
            .count();
    // A room may be as warm as its model by chance: 5 held-out degrees, a third of the wishes.
    assertTrue(idle < 30, idle + " of 300 are done before the first call");
  }

  @Test
  void numbersOfHeldOutHousesAndWishesAreNotInTraining() {
    for (Example e : HouseTask.heldOut(PhrasingSet.SEEN, 200, 4)) {
      numbers(e).forEach(n -> assertEquals(Split.HELD_OUT, Split.of(n), e.toString()));
    }
    List<Example> training = new ArrayList<>(HouseTask.warmStart(200, 4));
    training.addAll(HouseTask.trainPrompts(200, 4));
    for (Example e : training) {
      numbers(e).forEach(n -> assertEquals(Split.TRAIN, Split.of(n), e.toString()));
    }
  }

  private static List<Integer> numbers(Example e) {
    List<Integer> numbers = new ArrayList<>();
    Matcher m = NUMBER.matcher(e.messages() + " " + e.extra());
    while (m.find()) {
      numbers.add(Integer.parseInt(m.group()));
    }
    return numbers;
  }

  @Test
  void promptsAreAFunctionOfSeedAndIndex() {
    assertEquals(HouseTask.trainPrompts(20, 7).get(19), HouseTask.trainPrompts(7).apply(19));
    assertFalse(HouseTask.trainPrompts(20, 7).equals(HouseTask.trainPrompts(20, 8)));
    for (Example e : HouseTask.warmStart(50, 1)) {
      assertFalse(EmbeddedTask.question(e).contains("{"), e.toString());
    }
  }

  /** Recorded conversations decompose into one prompt for each of their turns. */
  @Test
  void stepsOfADemonstration() {
    Example whole = HouseTask.warmStart(1, 2).get(0);
    List<Example> steps = whole.steps();
    assertEquals((whole.messages().size() + 1) / 2, steps.size());
    for (int i = 0; i < steps.size() - 1; i++) {
      assertEquals(whole.messages().subList(0, 2 * i + 1), steps.get(i).messages());
      assertEquals(whole.messages().get(2 * i + 1).get("content"), steps.get(i).answer());
    }
    assertEquals(whole, steps.get(steps.size() - 1));
  }
}
