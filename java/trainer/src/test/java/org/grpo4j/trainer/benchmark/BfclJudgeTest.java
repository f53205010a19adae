package org.grpo4j.trainer.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Texts to verdicts, in the categories and formats. */
final class BfclJudgeTest {
  private static final BfclJudge JUDGE = new BfclJudge(PromptFormat.PROMPT, false);

  private static BfclQuestion question(String category, String type, Object accepted) {
    Map<String, Object> function =
        Map.of(
            "name",
            "shop.find",
            "parameters",
            Map.of(
                "type",
                "dict",
                "required",
                List.of("a"),
                "properties",
                Map.of("a", Map.of("type", type, "items", Map.of("type", "integer")))));
    List<Map<String, Object>> answers =
        category.contains("relevance")
            ? List.of()
            : List.of(Map.of("shop.find", Map.of("a", List.of(accepted))));
    return new BfclQuestion(category + "_0", category, List.of(), List.of(function), answers);
  }

  private static String outcome(BfclJudge judge, BfclQuestion question, Object result) {
    Verdict verdict = judge.judge(question, result).verdict();
    return verdict.valid() ? "right" : String.valueOf(verdict.errorType());
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = " => ",
      quoteCharacter = '`',
      value = {
        "irrelevance => I cannot do that. => right",
        "irrelevance => [] => right",
        "irrelevance => shop.find(a=1) => irrelevance_error:decoder_success",
        "live_irrelevance => find(b=2) => irrelevance_error:decoder_success",
        "live_relevance => find(b=2) => right",
        "live_relevance => [] => relevance_error:decoder_failed",
        "live_relevance => none of them fits => relevance_error:decoder_failed",
        "simple_python => shop.find(a='x') => right",
        "simple_python => shop.find(a='y') => value_error:string",
        "simple_python => shop.find(a='x'), shop.find(a='x') =>"
            + " simple_function_checker:wrong_count",
        "simple_python => [] => simple_function_checker:wrong_count",
        "simple_python => nothing fits => ast_decoder:decoder_failed",
        "live_parallel => [] => parallel_function_checker_no_order:wrong_count",
        "live_multiple => shop_find(a='x') => simple_function_checker:wrong_func_name",
      })
  void promptedTexts(String category, String text, String wanted) {
    assertEquals(wanted, outcome(JUDGE, question(category, "string", "x"), text));
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = " => ",
      quoteCharacter = '`',
      value = {
        "simple_java => String => [shop.find(a=\"x\")] => right",
        "simple_java => Set => [shop.find(a=\"x\")] => checker_error",
        "simple_java => String => [int y = 5;] => ast_decoder:decoder_wrong_output_format",
        "simple_java => String => [shop.find(a=] => ast_decoder:decoder_failed",
        "simple_javascript => String => [shop.find(a='x')] => right",
        "simple_javascript => String => [y = 1] => ast_decoder:decoder_wrong_output_format",
      })
  void otherLanguages(String category, String type, String text, String wanted) {
    assertEquals(wanted, outcome(JUDGE, question(category, type, "x"), text));
  }

  @Test
  void arraysOfOtherLanguagesAreConverted() {
    assertEquals(
        "right",
        outcome(
            JUDGE,
            question(
                "simple_java",
                "Array",
                List.of(1, 2).stream().map(i -> java.math.BigInteger.valueOf(i)).toList()),
            "[shop.find(a=new int[]{1, 2})]"));
  }

  /** A set is a type of Java's that BFCL's converter does not know; texts alone get that far. */
  @Test
  void aSetThatIsNoTextIsAWrongType() {
    assertEquals(
        Verdict.wrong("type_error:java", "a: want a text, got bool"),
        BfclJudge.judge(
            question("simple_java", "Set", "x"), List.of(Map.of("shop.find", Map.of("a", true)))));
  }

  @Test
  void dotsMayHaveBecomeUnderscores() {
    BfclQuestion question = question("multiple", "string", "x");
    BfclJudge judge = new BfclJudge(PromptFormat.TOOLS, true);
    String call = "<tool_call>\n{\"name\": \"%s\", \"arguments\": {\"a\": \"x\"}}\n</tool_call>";
    assertEquals("right", outcome(judge, question, call.formatted("shop_find")));
    assertEquals(
        "simple_function_checker:wrong_func_name",
        outcome(judge, question, call.formatted("shop.find")));
  }

  @Test
  void recordedCallsAndOtherThings() {
    BfclQuestion question = question("live_simple", "string", "x");
    assertEquals("right", outcome(JUDGE, question, List.of(Map.of("shop.find", "{\"a\": \"X\"}"))));
    assertEquals("ast_decoder:decoder_failed", outcome(JUDGE, question, true));
    assertEquals(
        "ast_decoder:decoder_wrong_output_format",
        outcome(JUDGE, question, List.of(Map.of("shop.find", "[]"))));
  }
}
