package org.grpo4j.trainer.benchmark;

import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.benchmark.Benchmark.Judgement;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonRepr;
import org.jspecify.annotations.Nullable;

/** BFCL's verdict on an answer, in every single-turn category. */
public final class BfclJudge {
  private final PromptFormat format;
  private final boolean underscoreToDot;

  /**
   * @param format how answers are read
   * @param underscoreToDot see {@link AstChecker#check(BfclQuestion, List, boolean)}
   */
  public BfclJudge(PromptFormat format, boolean underscoreToDot) {
    this.format = format;
    this.underscoreToDot = underscoreToDot;
  }

  /**
   * Judges an answer.
   *
   * @param result the model's text, or the calls that an interface recorded: a list of {function:
   *     arguments}
   */
  public Judgement judge(BfclQuestion question, @Nullable Object result) {
    Object calls;
    try {
      calls = decode(question, result);
    } catch (PythonError e) {
      return new Judgement(undecoded(question, String.valueOf(e.getMessage())), null);
    }
    String shown = PythonRepr.of(calls);
    if (question.asksWhetherToCall()) {
      return new Judgement(judge(question, calls instanceof List<?> l ? l : List.of()), shown);
    }
    if (!(calls instanceof List<?> list) || !areCalls(list)) {
      return new Judgement(
          Verdict.wrong("ast_decoder:decoder_wrong_output_format", "not a list of {function: {…}}"),
          shown);
    }
    return new Judgement(AstChecker.check(question, list, underscoreToDot), shown);
  }

  private @Nullable Object decode(BfclQuestion question, @Nullable Object result)
      throws PythonError {
    if (result instanceof List<?> list) {
      return BfclDecoder.recorded(list);
    }
    if (!(result instanceof String text)) {
      throw new PythonError("the answer is no text");
    }
    // Where the question is whether to call at all, BFCL reads Python in every language.
    BfclLanguage language =
        question.asksWhetherToCall() ? BfclLanguage.PYTHON : BfclLanguage.of(question.category());
    return BfclDecoder.decode(text, format, language);
  }

  private static Verdict undecoded(BfclQuestion question, String message) {
    if (question.irrelevant()) {
      return Verdict.RIGHT;
    }
    return question.asksWhetherToCall()
        ? Verdict.wrong("relevance_error:decoder_failed", message)
        : Verdict.wrong("ast_decoder:decoder_failed", message);
  }

  /** Judges calls that are decoded already, each {function: {parameter: value}}. */
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
