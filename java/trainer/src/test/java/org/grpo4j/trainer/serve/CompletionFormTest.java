package org.grpo4j.trainer.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What may come next, text by text. */
class CompletionFormTest {
  private static int object(String text) {
    return JsonPrefix.end(text, 0, JsonSchema.ANY_OBJECT);
  }

  /** Every beginning of JSON may go on, and the whole of it ends where it ends. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{ }",
        "{\"a\": 1}",
        "{\"a\": -0.5e+3, \"b\": [true, false, null, [], {}]}",
        "{\"\\u00e9\\n\\\"\": \"x\\\\\", \"é\": \"}\"}",
        "{\"a\":{\"b\":{\"c\":[0, 10, 1E5]}}}",
      })
  void everyBeginningOfAnObjectIsOpen(String json) {
    for (int length = 0; length < json.length(); length++) {
      assertEquals(JsonPrefix.OPEN, object(json.substring(0, length)), json);
    }
    assertEquals(json.length(), object(json));
    assertEquals(json.length(), object(json + " more"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[",
        "1",
        "{a",
        "{,",
        "{\"a\",",
        "{\"a\" 1",
        "{\"a\": ,",
        "{\"a\": 01",
        "{\"a\": 1 2",
        "{\"a\": tru}",
        "{\"a\": trx",
        "{\"a\": +1",
        "{\"a\": .5",
        "{\"a\": 1.}",
        "{\"a\": 1e,",
        "{\"a\": 'x'",
        "{\"a\": \"\\x",
        "{\"a\": \"\\u00g",
        "{\"a\": \"\n",
        "{\"a\": [1,]",
        "{\"a\": 1,}",
        "{\"a\": 1]",
        "{\"a\": NaN",
      })
  void whatNoContinuationMends(String text) {
    assertEquals(JsonPrefix.WRONG, object(text), text);
  }

  @Test
  void anObjectAloneEndsWithIt() {
    CompletionForm form = CompletionForm.json(JsonSchema.ANY_OBJECT);
    assertTrue(form.allows("", false));
    assertTrue(form.allows(" {\"a\": [", false));
    assertFalse(form.allows("Here: {", false));
    assertFalse(form.allows("[", false));
    assertFalse(form.allows("{\"a\": 1", true), "not yet");
    assertTrue(form.allows("{\"a\": 1}", true));
    assertTrue(form.allows("{\"a\": 1}\n", false));
    assertFalse(form.allows("{\"a\": 1} and", false));
    assertFalse(form.allows("{\"a\": 1}\f", false), "no blank of JSON's");
    assertFalse(form.allows("{" + " ".repeat(50), false), "blanks without end");
    assertTrue(form.allows("{\n  \"a\": [\n    1,\n    ", false), "one line after the other");
    assertFalse(form.allows("{\n\n", false), "empty lines");
  }

  @Test
  void callsHaveAnObjectOfArgumentsAndAClosing() {
    CompletionForm form = callsOfF(ToolCallSyntax.HERMES);
    String call = "<tool_call>\n{\"name\": \"f\", \"parameters\": {\"a\": 1}}";
    for (int length = 0; length <= call.length(); length++) {
      assertTrue(form.allows(call.substring(0, length), false), call.substring(0, length));
      assertFalse(form.allows(call.substring(0, length), true));
    }
    assertFalse(form.allows("<think>", false));
    assertFalse(form.allows("<tool_call>\n{\"name\": \"g", false));
    assertFalse(form.allows("<tool_call>\n{\"name\": \"f\", \"parameters\": 5", false));
    assertTrue(form.allows("<tool_call>\n{\"name\": \"f\", \"arguments\": {", false));
    assertFalse(form.allows(call.replace("}}", "}\n</tool_call>"), false), "one brace is missing");
    assertFalse(form.allows(call + " so", false));
    assertTrue(form.allows(call + "\n</tool_", false));
    assertTrue(form.allows(call + "\n</tool_call>", true));
    assertTrue(form.allows(call + "\n</tool_call>\nand more", false), "free again");
    CompletionForm llama = callsOfF(ToolCallSyntax.LLAMA3_JSON);
    assertTrue(llama.allows("{\"name\": \"f\", \"parameters\": {}}", true));
    assertFalse(llama.allows("{\"name\": \"f\", \"parameters\": {}} so", false));
  }

  private static CompletionForm callsOfF(ToolCallSyntax syntax) {
    List<CompletionForm.Opening> openings = new ArrayList<>();
    for (String key : syntax.argumentKeys()) {
      String text = syntax.opening() + "{\"name\": \"f\", \"" + key + "\":";
      JsonSchema call =
          new JsonSchema.Members(
              Map.of("name", JsonSchema.ANY, key, JsonSchema.ANY_OBJECT),
              Set.of("name", key),
              null);
      openings.add(new CompletionForm.Opening(text, new long[0], call));
    }
    return new CompletionForm(openings, syntax.closing());
  }

  @Test
  void openingsAreWrittenInTheirTokens() {
    CompletionForm form =
        new CompletionForm(
            List.of(
                new CompletionForm.Opening("x", new long[] {1, 2, 3}, JsonSchema.ANY_OBJECT),
                new CompletionForm.Opening("y", new long[] {1, 4}, JsonSchema.ANY_OBJECT)),
            "");
    assertEquals(Set.of(1), form.next(List.of()));
    assertEquals(Set.of(2, 4), form.next(List.of(1)));
    assertEquals(Set.of(3), form.next(List.of(1, 2)));
    assertEquals(Set.of(), form.next(List.of(1, 4)));
    assertEquals(Set.of(), form.next(List.of(1, 2, 3, 9)));
  }
}
