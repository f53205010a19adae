package org.grpo4j.trainer.benchmark;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** BFCL's verdict on decoded calls, in every single-turn category. */
public final class BfclJudge {
  private BfclJudge() {}

  /** Judges calls, each {function: {parameter: value}}. */
  public static Verdict judge(BfclQuestion question, List<? extends @Nullable Object> calls) {
    if (question.asksWhetherToCall()) {
      boolean called = areCalls(calls) && !calls.isEmpty();
      if (called != question.irrelevant()) {
        return Verdict.RIGHT;
      }
      return called
          ? Verdict.wrong("irrelevance_error:decoder_success", "a call where none is right")
          : Verdict.wrong("relevance_error:decoder_failed", "no call");
    }
    return AstChecker.check(question, calls);
  }

  /** Whether every item is {function: {…}} with one function. */
  static boolean areCalls(List<? extends @Nullable Object> calls) {
    return calls.stream()
        .allMatch(
            call ->
                call instanceof Map<?, ?> map
                    && map.size() == 1
                    && map.values().iterator().next() instanceof Map<?, ?>);
  }
}
