package org.grpo4j.trainer.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.text.PythonJsonText;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonJson;
import org.junit.jupiter.api.Test;

/** What a model is told; the texts around the functions are those of the official handlers. */
final class BfclPromptsTest {
  private static final String FUNCTION =
      """
      {"name": "shop.find", "description": "Finds.", "parameters": {"type": "dict", "required": [],
       "properties": {"a": {"type": "float", "description": "Größe.", "default": 1e-05},
                      "b": {"type": "array", "description": "B.", "items": {"type": "String"}},
                      "c": {"type": "any", "description": "C."},
                      "d": {"type": "dict", "description": "D.", "properties": {"k": {}}}}}}\
      """;

  private static Object json(String text) {
    try {
      return java.util.Objects.requireNonNull(PythonJson.parse(text));
    } catch (PythonError e) {
      throw new AssertionError(text, e);
    }
  }

  @SuppressWarnings("unchecked")
  private static BfclQuestion question(String category, String messages) {
    return new BfclQuestion(
        category + "_0",
        category,
        (List<Map<String, Object>>) json(messages),
        List.of((Map<String, Object>) json(FUNCTION)),
        List.of());
  }

  private static String text(List<Map<String, Object>> messages, int index) {
    return String.valueOf(messages.get(index).get("content"));
  }

  private static final String USER = "[{\"role\": \"user\", \"content\": \" Find it. \"}]";
  private static final String BOTH =
      "[{\"role\": \"system\", \"content\": \"Be brief.\"},"
          + " {\"role\": \"user\", \"content\": \"Find it.\"}]";

  @Test
  void promptingModeIndentsTheFunctions() {
    List<Map<String, Object>> messages =
        BfclPrompts.messages(question("live_simple", USER), PromptFormat.PROMPT);
    assertEquals(2, messages.size());
    String system = text(messages, 0);
    assertTrue(
        system.startsWith("You are an expert in composing functions.You are given a question"));
    assertTrue(
        system.contains(
            "func_name2(params)].  You SHOULD NOT include any other text in the response."));
    assertTrue(
        system.contains(
            """
            that you can invoke.
            [
                {
                    "name": "shop.find",
                    "description": "Finds. Note that the provided function is in Python 3 syntax.",
                    "parameters": {
                        "type": "dict",
                        "required": [],
            """));
    assertTrue(system.contains("\"description\": \"Gr\\u00f6\\u00dfe.\""));
    assertTrue(system.contains("\"default\": 1e-05\n"));
    assertTrue(system.endsWith("\n    }\n]\n"));
    assertEquals(" Find it. ", text(messages, 1));
  }

  @Test
  void theQuestionsOwnSystemMessageFollowsOrPrecedes() {
    BfclQuestion question = question("live_simple", BOTH);
    List<Map<String, Object>> prompt = BfclPrompts.messages(question, PromptFormat.PROMPT);
    assertEquals(2, prompt.size());
    assertTrue(text(prompt, 0).endsWith("]\n\n\nBe brief."));
    String tools = text(BfclPrompts.messages(question, PromptFormat.TOOLS), 0);
    assertTrue(tools.startsWith("Be brief.\n\n# Tools\n\nYou may call one or more functions"));
    assertTrue(tools.contains("<tools>\n{\"name\": \"shop.find\", \"description\": \"Finds."));
    assertTrue(
        tools.endsWith(
            "{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>"));
  }

  @Test
  void javaParametersBecomeTexts() {
    String system =
        text(BfclPrompts.messages(question("simple_java", USER), PromptFormat.TOOLS), 0);
    assertTrue(system.contains("Finds. Note that the provided function is in Java 8 SDK syntax."));
    assertTrue(
        system.contains(
            "\"a\": {\"type\": \"string\", \"description\": \"Gr\\u00f6\\u00dfe. This is Java float"
                + " type parameter in string representation.\", \"default\": 1e-05}"));
    assertTrue(
        system.contains(
            "C. This parameter can be of any type of Java object in string representation."));
    // A list of Java's has another name.
    assertTrue(system.contains("\"items\": {\"type\": \"String\"}"));
  }

  @Test
  void javaScriptListsAndDictsLoseTheirSchema() {
    BfclQuestion question = question("simple_javascript", USER);
    String system = text(BfclPrompts.messages(question, PromptFormat.TOOLS), 0);
    assertTrue(
        system.contains(
            "\"b\": {\"type\": \"string\", \"description\": \"B. This is JavaScript array type"
                + " parameter in string representation. The list elements are of type String; they"
                + " are not in string representation.\"}"));
    assertTrue(
        system.contains(
            "The dictionary entries have the following schema; they are not in string"
                + " representation. {\\\"k\\\": {}}\"}"));
    assertEquals(
        PythonJsonText.ascii(List.of(json(FUNCTION))),
        PythonJsonText.ascii(question.functions()),
        "the question's own functions stay as they are");
  }

  /** Each expectation is what the official handler for Llama 3.1 writes. */
  @Test
  void llamaIsToldInTheFirstMessageOfTheUser() {
    BenchmarkQuestion asked =
        BfclPrompts.question(question("live_simple", USER), PromptFormat.LLAMA_JSON);
    assertEquals(List.of(), asked.messages());
    String prompt = String.valueOf(asked.prompt());
    String opening =
        """
        <|begin_of_text|><|start_header_id|>system<|end_header_id|>

        Environment: ipython
        Cutting Knowledge Date: December 2023
        Today Date: 26 Jul 2024

        %s<|eot_id|><|start_header_id|>%s<|end_header_id|>

        """;
    String told =
        """
        Given the following functions, please respond with a JSON for a function call with its \
        proper arguments that best answers the given prompt.

        Respond in the format {"name": function name, "parameters": dictionary of argument name \
        and its value}.Do not use variables.

        {
            "name": "shop.find",
            "description": "Finds. Note that the provided function is in Python 3 syntax.",
        """;
    assertTrue(prompt.startsWith(opening.formatted("", "user") + told), prompt);
    assertTrue(
        prompt.endsWith(
            """
                        "k": {}
                            }
                        }
                    }
                }
            }

            Find it.<|eot_id|><|start_header_id|>assistant<|end_header_id|>

            """),
        prompt);
    String spoken =
        "[{\"role\": \"system\", \"content\": \"Be brief.\\n\"},"
            + " {\"role\": \"assistant\", \"content\": \" Hi \"},"
            + " {\"role\": \"user\", \"content\": \"One.\"},"
            + " {\"role\": \"user\", \"content\": \" Two. \"}]";
    prompt =
        String.valueOf(
            BfclPrompts.question(question("live_simple", spoken), PromptFormat.LLAMA_JSON)
                .prompt());
    assertTrue(
        prompt.startsWith(
            opening.formatted("Be brief.", "assistant")
                + "Hi<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n"
                + told),
        prompt);
    assertTrue(
        prompt.endsWith(
            """
            }

            One.<|eot_id|><|start_header_id|>user<|end_header_id|>

            Two.<|eot_id|><|start_header_id|>assistant<|end_header_id|>

            """),
        prompt);
  }

  @Test
  void otherLlamasAreToldAsInPromptingMode() {
    BfclQuestion question = question("live_simple", BOTH);
    String system = text(BfclPrompts.messages(question, PromptFormat.PROMPT), 0);
    assertEquals(
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n"
            + system
            + "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nFind it.<|eot_id|>"
            + "<|start_header_id|>assistant<|end_header_id|>\n\n",
        BfclPrompts.question(question, PromptFormat.LLAMA).prompt());
    String alone =
        String.valueOf(
            BfclPrompts.question(question("live_simple", USER), PromptFormat.LLAMA).prompt());
    assertTrue(alone.contains("\n    }\n]<|eot_id|>"), "blanks at the ends are dropped");
  }

  @Test
  void restFormatPutsTheConversationIntoOneMessage() {
    List<Map<String, Object>> messages =
        BfclPrompts.messages(question("live_multiple", BOTH), PromptFormat.REST);
    assertEquals(2, messages.size());
    String system = text(messages, 0);
    assertTrue(
        system.contains(
            "following tools:\n1. Name: shop.find\nDescription: Finds. Note that the provided"
                + " function is in Python 3 syntax.\nParameters: {\"a\": {\"type\": \"float\""));
    assertTrue(system.endsWith("noted as `<obs>` (if exists).\n"));
    String user = text(messages, 1);
    assertTrue(user.startsWith("**Dialogue Records History**\n<user> Find it.\nIf there's no"));
    assertTrue(user.endsWith("complete the given task in this turn. </user>"));
  }

  @Test
  void whatIsNoQuestionOfBfclIsRefused() {
    assertThrows(
        InputException.class,
        () -> BfclPrompts.messages(question("live_simple", "[]"), PromptFormat.PROMPT));
    BfclQuestion bare =
        new BfclQuestion(
            "x_0",
            "live_simple",
            question("live_simple", USER).messages(),
            List.of(Map.of("name", "f")),
            List.of());
    assertEquals(
        "question x_0: a function without 'description'",
        assertThrows(InputException.class, () -> BfclPrompts.messages(bare, PromptFormat.PROMPT))
            .getMessage());
  }

  @Test
  void jsonTextsAreThoseOfPython() {
    assertEquals(
        "{\"a\": [1, 2.0, 1e+16, true, null, NaN, -Infinity], \"\\u00e9\\ud83d\\ude00\":"
            + " \"\\u007f\\\"\\n"
            + "\"}",
        PythonJsonText.ascii(
            json(
                "{\"a\": [1, 2.0, 1e16, true, null, NaN, -Infinity], \"é😀\": \"\u007f\\\"\\n"
                    + "\"}")));
    assertEquals("[]", PythonJsonText.ascii(List.of(), 4));
    assertEquals("{\n  \"a\": [\n    {}\n  ]\n}", PythonJsonText.ascii(json("{\"a\":[{}]}"), 2));
  }
}
