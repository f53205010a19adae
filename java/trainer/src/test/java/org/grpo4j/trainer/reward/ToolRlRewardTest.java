package org.grpo4j.trainer.reward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Set;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.reward.ToolRlOptions.ChatFrame;
import org.grpo4j.trainer.reward.ToolRlOptions.Release;
import org.grpo4j.trainer.reward.ToolRlOptions.Switch;
import org.junit.jupiter.api.Test;

final class ToolRlRewardTest {
  private static final String CALL = "{\"name\": \"f\", \"parameters\": {\"a\": 1, \"b\": \"x\"}}";
  private static final String ANSWER = withCalls(CALL);

  @Test
  void anExactCompletionGetsEverything() {
    RewardScore score = score(ToolRlOptions.of(), ANSWER, 0);
    assertEquals(4, score.total());
    assertEquals(1, score.parts().get("format"));
    assertEquals(3, score.parts().get("correctness"));
  }

  @Test
  void oneWrongValueOfTwo() {
    // names 1, parameter names 1, one equal value: 3 of 1 + (1 + 2) points, on [-3, 3].
    String wrong = withCalls(CALL.replace("1", "2"));
    assertEquals(1 + (6 * 3.0 / 4 - 3), score(ToolRlOptions.of(), wrong, 0).total(), 1e-12);
    assertEquals(1 - 3, score(ToolRlOptions.of(Switch.COARSEREWARD), wrong, 0).total());
  }

  @Test
  void anAnswerWithoutReadableCallsIsKnownBeforehand() {
    assertTrue(ToolRlReward.canJudge(ANSWER));
    assertTrue(ToolRlReward.canJudge("<think>a</think>\n<response>b</response>"));
    assertFalse(ToolRlReward.canJudge("<think>In <tool_call> tags, then.</think>\n" + ANSWER));
  }

  @Test
  void theSameNumberInAnotherSpellingIsEqual() {
    assertEquals(4, score(ToolRlOptions.of(), withCalls(CALL.replace("1", "1.0")), 0).total());
  }

  @Test
  void aPredictedCallServesOneOfTheAnswersCalls() {
    // The answer asks twice; one call can't earn both: J(names) 1/2 + 3 of 1 + 3 + 3 points.
    String twice = withCalls(CALL + "\n" + CALL);
    RewardInput input = RewardInput.ofText(ANSWER, twice, 0);
    RewardScore got = new ToolRlReward(ToolRlOptions.of()).score(input);
    assertEquals(1 + 6 * 3.5 / 7 - 3, got.total(), 1e-12);
  }

  @Test
  void theScheduleStopsAtItsBounds() {
    ToolRlOptions options = ToolRlOptions.of(Switch.SCHEDULEREWARD);
    assertEquals(2, score(options, ANSWER, 0).parts().get("format"));
    assertEquals(2, score(options, ANSWER, 0).parts().get("correctness"));
    for (long step : new long[] {150, 1000}) {
      assertEquals(1, score(options, ANSWER, step).parts().get("format"));
      assertEquals(3, score(options, ANSWER, step).parts().get("correctness"));
      assertEquals(-1 - 3, score(options, "nothing", step).total());
    }
  }

  @Test
  void lengthIsPartOfTheTotalInToolRlAlone() {
    String text = "<think>" + "word ".repeat(256) + "</think>";
    for (Release release : Release.values()) {
      RewardScore score =
          new ToolRlReward(new ToolRlOptions(release, ChatFrame.CHATML, Set.of(Switch.WITHLENGTH)))
              .score(RewardInput.ofText(text, "<think></think>", 0));
      assertEquals(0.5, score.parts().get("length"));
      assertEquals(release == Release.TOOLRL ? 1.5 : 1.0, score.total());
    }
  }

  @Test
  void chatMarkupAroundTheCompletionIsRemoved() {
    String chatml = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n" + ANSWER;
    assertEquals(4, score(ToolRlOptions.of(), chatml + "<|im_end|>\n", 0).total());
    String llama = "<|start_header_id|>assistant<|end_header_id|>\n\n" + ANSWER + "<|eot_id|>";
    ToolRlOptions options = new ToolRlOptions(Release.TOOLRL, ChatFrame.LLAMA3, Set.of());
    assertEquals(4, score(options, llama, 0).total());
  }

  @Test
  void anUnreadableAnswerIsTheDatasFault() {
    String unreadable = ANSWER.replace(CALL, "{name: f}");
    RewardInput input = RewardInput.ofText(ANSWER, unreadable, 0);
    InputException e =
        assertThrows(InputException.class, () -> new ToolRlReward(ToolRlOptions.of()).score(input));
    assertTrue(String.valueOf(e.getMessage()).contains("{name: f}"), e.getMessage());
  }

  @Test
  void exactCallLooksAtTheCallsAlone() {
    assertTrue(ExactCallReward.isExact("<tool_call>" + CALL + "</tool_call> etc.", ANSWER));
    assertFalse(ExactCallReward.isExact(withCalls(CALL + "\n" + CALL), ANSWER));
    assertFalse(ExactCallReward.isExact("<tool_call>" + CALL, ANSWER)); // never closed
    assertFalse(ExactCallReward.isExact("", ANSWER));
    assertTrue(ExactCallReward.isExact("hello", "<response>hi</response>"));
    assertFalse(ExactCallReward.isExact(ANSWER, "<response>hi</response>"));
  }

  @Test
  void overlongFallsLinearlyOverTheBuffer() {
    RewardFunction reward = new OverlongReward(new OverlongReward.Options(100, 20, 0.5));
    assertEquals(0, overlong(reward, 10));
    assertEquals(0, overlong(reward, 80));
    assertEquals(-0.25, overlong(reward, 90));
    assertEquals(-0.5, overlong(reward, 100));
    assertThrows(InputException.class, () -> new OverlongReward.Options(100, 0, 1));
    assertThrows(InputException.class, () -> new OverlongReward.Options(100, 101, 1));
  }

  private static double overlong(RewardFunction reward, int length) {
    RewardInput text = RewardInput.ofText("", "", 0);
    return reward.score(new RewardInput("", "", new long[length], "", 0, 0, text.extra())).total();
  }

  private static RewardScore score(ToolRlOptions options, String completion, long step) {
    return new ToolRlReward(options).score(RewardInput.ofText(completion, ANSWER, step));
  }

  private static String withCalls(String calls) {
    return "<think>why</think>\n<tool_call>\n" + calls + "\n</tool_call>";
  }

  @Test
  void theRewardMovesFromFormatToAccuracy() {
    ToolRlReward reward = new ToolRlReward(ToolRlOptions.of(ToolRlOptions.Switch.PROGRESSREWARD));
    String answer =
        "<think>a</think>\n<tool_call>\n{\"name\": \"f\", \"parameters\": {}}\n</tool_call>";
    // Well formed and right: format 1, correctness 3.
    double[] totals = new double[3];
    for (int i = 0; i < 3; i++) {
      totals[i] =
          reward
              .score(new RewardInput("", answer, new long[0], answer, 7, i / 2.0, Map.of()))
              .total();
    }
    assertArrayEquals(new double[] {1, 2, 3}, totals, 1e-12);
    assertThrows(
        InputException.class,
        () ->
            ToolRlOptions.of(
                ToolRlOptions.Switch.PROGRESSREWARD, ToolRlOptions.Switch.SCHEDULEREWARD));
  }
}
