package org.grpo4j.trainer.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonJson;
import org.grpo4j.trainer.python.PythonValues;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each case's expected outcome is that of BFCL's own checker. */
final class AstCheckerTest {
  private static final String FUNCTIONS =
      """
      [{"name": "rent.bike", "parameters": {"type": "dict", "required": ["city"], "properties": {
        "city": {"type": "string"}, "days": {"type": "integer"}, "price": {"type": "float"},
        "helmet": {"type": "boolean"}, "extras": {"type": "array", "items": {"type": "string"}},
        "at": {"type": "tuple", "items": {"type": "float"}},
        "rider": {"type": "dict"}, "stops": {"type": "array", "items": {"type": "dict"}}}}},
       {"name": "ring_bell", "parameters": {"type": "dict", "required": [], "properties": {
        "times": {"type": "integer"}}}}]""";
  private static final String ANSWER =
      """
      [{"rent.bike": {"city": ["Lake-Side, 4", "Hill"], "days": ["", 3], "price": [2.5, 4],
        "helmet": ["", true], "extras": [["Lock"], ["Pump", "Bag"], ""], "at": ["", [1, 2.5]],
        "rider": ["", {"name": ["Ann"], "age": ["", 30]}],
        "stops": ["", [{"at": ["Mill"]}, {"at": ["Weir", ""]}]]}}]""";

  private static Map<?, ?> call(String function, String parameters) {
    return Map.of(function, json(parameters));
  }

  private static Object json(String text) {
    try {
      return java.util.Objects.requireNonNull(PythonJson.parse(text));
    } catch (PythonError e) {
      throw new AssertionError(text, e);
    }
  }

  @SuppressWarnings("unchecked")
  private static BfclQuestion question(String category, String functions, String answers) {
    return new BfclQuestion(
        category + "_0",
        category,
        List.of(),
        (List<Map<String, Object>>) json(functions),
        (List<Map<String, Object>>) json(answers));
  }

  private static String outcome(BfclQuestion question, List<?> calls) {
    Verdict verdict = BfclJudge.judge(question, calls);
    return verdict.valid() ? "right" : String.valueOf(verdict.errorType());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{'city': 'Hill', 'price': 2.5} | right",
        "{'city': 'LAKE side 4', 'price': 4} | right",
        "{'city': 'Lakeside 5', 'price': 4} | value_error:string",
        "{'price': 2.5} | simple_function_checker:missing_required",
        "{'city': 'Hill'} | simple_function_checker:missing_optional",
        "{'city': 'Hill', 'price': 2.5, 'colour': 1} | simple_function_checker:unexpected_param",
        // The int 4 becomes a float, the float 3.0 no int, and True is neither.
        "{'city': 'Hill', 'price': 2.5, 'days': 3.0} | type_error:simple",
        "{'city': 'Hill', 'price': 2.5, 'days': true} | type_error:simple",
        "{'city': 'Hill', 'price': 2.5, 'days': 4} | value_error:others",
        "{'city': 'Hill', 'price': true} | type_error:simple",
        "{'city': 'Hill', 'price': 2.5, 'helmet': 1} | type_error:simple",
        "{'city': null, 'price': 2.5} | type_error:simple",
        "{'city': 'Hill', 'price': 2.5, 'extras': ['LOCK']} | right",
        "{'city': 'Hill', 'price': 2.5, 'extras': ['Bag', 'Pump']} | value_error:list/tuple",
        // The accepted '' lets elements of any type pass to the comparison, and equals [].
        "{'city': 'Hill', 'price': 2.5, 'extras': [1]} | value_error:list/tuple",
        "{'city': 'Hill', 'price': 2.5, 'extras': []} | right",
        "{'city': 'Hill', 'price': 2.5, 'extras': 'Lock'} | type_error:simple",
        "{'city': 'Hill', 'price': 2.5, 'at': [1.0, 2.5]} | right",
        "{'city': 'Hill', 'price': 2.5, 'rider': {'name': 'ann'}} | right",
        "{'city': 'Hill', 'price': 2.5, 'rider': {'name': 'Bob'}} | value_error:dict_value",
        "{'city': 'Hill', 'price': 2.5, 'rider': {'age': 30}} | value_error:dict_key",
        "{'city': 'Hill', 'price': 2.5, 'rider': {'name': 'Ann', 'x': 1}} | value_error:dict_key",
        "{'city': 'Hill', 'price': 2.5, 'stops': [{'at': 'mill'}, {}]} | right",
        "{'city': 'Hill', 'price': 2.5, 'stops': [{'at': 'Mill'}]} | value_error:list_dict_count",
        "{'city': 'Hill', 'price': 2.5, 'stops': [{}, {'at': 'Mill'}]} | value_error:dict_key"
      })
  void oneCall(String parameters, String expected) {
    BfclQuestion question = question("simple_python", FUNCTIONS, ANSWER);
    assertEquals(
        expected, outcome(question, List.of(call("rent.bike", parameters.replace('\'', '"')))));
  }

  @Test
  void namesAndCounts() {
    Map<?, ?> ring = call("ring_bell", "{\"times\": 2}");
    Map<?, ?> thrice = call("ring_bell", "{\"times\": 3}");
    String answers = "[{\"ring_bell\": {\"times\": [2]}}, {\"ring_bell\": {\"times\": [3]}}]";
    String one = "[{\"ring_bell\": {\"times\": [2]}}]";
    BfclQuestion multiple = question("live_multiple", FUNCTIONS, one);
    assertEquals("right", outcome(multiple, List.of(ring)));
    assertEquals("value_error:others", outcome(multiple, List.of(thrice)));
    assertEquals(
        "simple_function_checker:wrong_func_name",
        outcome(multiple, List.of(call("rent.bike", "{}"))));
    assertEquals("multiple_function_checker:wrong_count", outcome(multiple, List.of(ring, ring)));
    assertEquals(
        "simple_function_checker:wrong_count",
        outcome(question("simple_python", FUNCTIONS, one), List.of()));
    BfclQuestion parallel = question("live_parallel_multiple", FUNCTIONS, answers);
    assertEquals("right", outcome(parallel, List.of(thrice, ring)));
    assertEquals(
        "parallel_function_checker_no_order:cannot_find_match",
        outcome(parallel, List.of(ring, ring)));
    assertEquals(
        "parallel_function_checker_no_order:wrong_count", outcome(parallel, List.of(ring)));
  }

  @Test
  void aVariableIsComparedAsItIs() {
    String answers = "[{\"ring_bell\": {\"times\": [\"n_times\"]}}]";
    BfclQuestion question = question("multiple", FUNCTIONS, answers);
    assertEquals(
        "right", outcome(question, List.of(call("ring_bell", "{\"times\": \"n_times\"}"))));
    assertEquals(
        "value_error:others",
        outcome(question, List.of(call("ring_bell", "{\"times\": \"N_times\"}"))));
  }

  @Test
  void anyCallAnswersWhetherToCall() {
    BfclQuestion none = question("live_irrelevance", "[]", "[]");
    BfclQuestion some = question("live_relevance", "[]", "[]");
    List<?> call = List.of(call("f", "{}"));
    assertEquals("irrelevance_error:decoder_success", outcome(none, call));
    assertEquals("right", outcome(none, List.of()));
    assertEquals("right", outcome(none, List.of("f")));
    assertEquals("right", outcome(some, call));
    assertEquals("relevance_error:decoder_failed", outcome(some, List.of()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "long | null | 12L | 12",
        "long | null | 12 | \"12\"",
        "float | null | 1.5e3f | 1500.0",
        "double | null | -2 | -2.0",
        "double | null | ٣.٥ | 3.5",
        "boolean | null | true | true",
        "ArrayList | integer | new ArrayList<Integer>(Arrays.asList(1, 2)) | [1, 2]",
        "ArrayList | String | new ArrayList<>() {{ add(\"a\"); add(\"b\"); }} | [\"a\", \"b\"]",
        "ArrayList | String | new ArrayList<String>() | []",
        "Array | double | new double[]{1.0, x} | [1.0, \"x\"]",
        "HashMap | null | new HashMap<String, Object>() {{ put(\"a\", 1L); put(\"b\", \"c\"); }}"
            + " | {\"a\": 1, \"b\": \"c\"}"
      })
  void javaLiterals(String type, String nested, String text, String expected) throws PythonError {
    Object got = JavaLiterals.convert(text, type, nested.equals("null") ? null : nested);
    assertEquals(json("[" + expected + "]"), PythonValues.elements(List.of(got)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "String | null | 'a b' | \"a b\"",
        "Bigint | null | 12n | 12",
        "integer | null | 1.0 | \"1.0\"",
        "integer | null | ٣ | 3",
        "float | null | 1 | 1.0",
        "Boolean | null | false | false",
        "array | String | [\"a\", 'b'] | [\"a\", \"b\"]",
        "array | null | new Array(1, x) | [1, \"x\"]",
        "array | array | [[1, 2], [3.5]] | [[1, 2], [3.5]]",
        "dict | null | {'a': 1, b: [true, 'c']} | {\"a\": 1, \"b\": [true, \"c\"]}",
        "dict | null | {'a': '٣'} | {\"a\": 3}",
        "dict | null | {} | {}"
      })
  void javaScriptLiterals(String type, String nested, String text, String expected)
      throws PythonError {
    Object got = JavaScriptLiterals.convert(text, type, nested.equals("null") ? null : nested);
    assertEquals(json("[" + expected + "]"), PythonValues.elements(List.of(got)));
  }

  @Test
  void filesOfARelease(@TempDir Path folder) throws IOException {
    write(
        folder.resolve("BFCL_v4_multiple.json"),
        "{\"id\": \"multiple_0\", \"question\": [[{\"role\": \"user\", \"content\": \"hi\"}]],"
            + " \"function\": []}\n");
    InputException noAnswers =
        assertThrows(InputException.class, () -> BfclData.of(folder).questions("multiple"));
    assertEquals(
        folder + ": the answers possible_answer/BFCL_v4_multiple.json are missing",
        noAnswers.getMessage());
    write(
        folder.resolve("possible_answer/BFCL_v4_multiple.json"),
        "{\"id\": \"multiple_function_0\", \"ground_truth\": [{\"f\": {}}]}\n");
    write(folder.resolve("BFCL_v4_multi_turn_base.json"), "");
    BfclData data = BfclData.of(folder);
    assertEquals(List.of("multiple"), data.categories());
    assertEquals(List.of(Map.of("f", Map.of())), data.questions("multiple").get(0).answers());
    assertThrows(InputException.class, () -> BfclData.of(folder.resolve("possible")));
  }

  private static void write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
  }
}
