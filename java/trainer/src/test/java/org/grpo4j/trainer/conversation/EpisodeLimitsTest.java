package org.grpo4j.trainer.conversation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.grpo4j.trainer.environment.AssistantTurn;
import org.grpo4j.trainer.environment.Ending;
import org.grpo4j.trainer.environment.Episode;
import org.grpo4j.trainer.environment.Outcome;
import org.grpo4j.trainer.environment.ToolCall;
import org.grpo4j.trainer.environment.ToolEnvironment;
import org.grpo4j.trainer.environment.ToolResult;
import org.grpo4j.trainer.environment.World;
import org.grpo4j.trainer.rollout.Completion;
import org.junit.jupiter.api.Test;

/** What ends a conversation. */
class EpisodeLimitsTest extends ScriptedConversations {
  @Test
  void roundsOfCallsAreLimited() {
    Script script = new Script((c, round) -> turn(CALL));
    AtomicInteger calls = new AtomicInteger();
    Answering environment =
        Answering.of(
            (example, call) -> {
              calls.incrementAndGet();
              return ToolResult.of("15");
            });
    Completion whole = run(script, environment, new EpisodeSampler.Limits(2, 9, 1), 1000).get(0);
    Episode episode = episode(whole);
    assertEquals(Ending.TURN_LIMIT, episode.ending());
    assertEquals(3, episode.turns().size());
    assertEquals(2, calls.get());
    assertEquals(List.of(), episode.turns().get(2).said().results());
    assertEquals(1, episode.turns().get(2).said().calls().size());
    assertTrue(whole.finished());
    assertFalse(episode.outcome().success());
  }

  @Test
  void aTurnThatDoesNotEndEndsTheConversation() {
    int[] endless = ids(CALL + CALL);
    Completion whole =
        run(new Script((c, round) -> endless), Answering.of("15"), LIMITS, 20).get(0);
    assertArrayEquals(Arrays.copyOf(endless, 20), whole.tokens());
    assertEquals(Ending.TOKEN_LIMIT, episode(whole).ending());
    assertFalse(whole.finished());
    assertEquals(0, episode(whole).calls());
  }

  @Test
  void tokensAreLimitedOverTheWholeConversation() {
    int room = turn(CALL).length + ids(AFTER_CALL).length;
    for (int limit : new int[] {room - 1, room}) {
      Script script = new Script((c, round) -> turn(CALL));
      Completion whole = run(script, Answering.of("{\"degrees\": 15}"), LIMITS, limit).get(0);
      // The tools' answer is not cut: it stays out where no token of the model would fit after it.
      assertArrayEquals(turn(CALL), whole.tokens());
      assertEquals(Ending.TOKEN_LIMIT, episode(whole).ending());
      assertEquals(1, episode(whole).calls());
      assertFalse(whole.finished());
    }
    Script script = new Script((c, round) -> turn(CALL));
    Completion whole = run(script, Answering.of("{\"degrees\": 15}"), LIMITS, room + 3).get(0);
    assertArrayEquals(
        concat(turn(CALL), ids(AFTER_CALL), Arrays.copyOf(turn(CALL), 3)), whole.tokens());
    assertEquals(
        List.of(new Completion.Span(0, turn(CALL).length), new Completion.Span(room, room + 3)),
        whole.sampledSpans());
  }

  /** Of two conversations, the one with less left is cut by its own limit. */
  @Test
  void theBatchDoesNotLendTokens() {
    int[] longer = turn("<think>hot</think>" + CALL);
    int limit = longer.length + ids(AFTER_CALL).length + 4;
    Script script =
        new Script((c, round) -> round > 0 ? turn(ANSWER + ANSWER) : c == 0 ? longer : turn(CALL));
    List<Completion> both =
        run(
            script,
            Answering.of("{\"degrees\": 15}"),
            LIMITS,
            limit,
            List.of(prompt("q")),
            new long[][] {{1, 2}});
    assertEquals(limit, both.get(0).length());
    assertFalse(both.get(0).finished());
    assertTrue(both.get(1).length() <= limit);
  }

  @Test
  void aWorldMayEndTheConversation() {
    ToolEnvironment once =
        (example, seed) ->
            new World() {
              private boolean over;

              @Override
              public ToolResult call(ToolCall call) {
                over = true;
                return ToolResult.of("game over");
              }

              @Override
              public boolean ended() {
                return over;
              }

              @Override
              public Outcome outcome(List<AssistantTurn> turns, Ending ending) {
                return Outcome.of(ending == Ending.WORLD_ENDED);
              }
            };
    Completion whole = run(new Script((c, round) -> turn(CALL)), once, LIMITS, 300).get(0);
    assertArrayEquals(turn(CALL), whole.tokens());
    assertEquals(1, episode(whole).reward());
    assertTrue(whole.finished());
  }
}
