package org.grpo4j.trainer.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonRepr;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Each expectation is what BFCL's own decoder gives for the text, in Python's notation. */
final class BfclDecoderTest {
  private static String prompted(String text, BfclLanguage language) throws PythonError {
    return PythonRepr.of(BfclDecoder.decode(text, PromptFormat.PROMPT, language));
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = " --> ",
      quoteCharacter = '`',
      value = {
        "[f(a=1), g.h(b='x')] --> [{'f': {'a': 1}}, {'g.h': {'b': 'x'}}]",
        "f(a=1) --> [{'f': {'a': 1}}]",
        "f(a=1), g() --> [{'f': {'a': 1}}, {'g': {}}]",
        "f(a=+5, b=~5, c=not True, d=-2.5) --> [{'f': {'a': -5, 'b': -5, 'c': -1, 'd': -2.5}}]",
        "f(1, x, a=2) --> [{'f': {'a': 2}}]",
        "f(a=name, b=..., c=None) --> [{'f': {'a': 'name', 'b': '...', 'c': None}}]",
        "f(a=true, b=[null]) --> [{'f': {'a': 'true', 'b': ['null']}}]",
        "f(a=(1, 2), b={'k': [x], 1: ()}) --> [{'f': {'a': (1, 2), 'b': {'k': ['x'], 1: ()}}}]",
        "f(a=2*3+1, b='x'+'y') --> [{'f': {'a': 7, 'b': 'xy'}}]",
        "f(a=g(1,'x'), b=g(h=2)) --> [{'f': {'a': \"g(1, 'x')\", 'b': {'g': {'h': 2}}}}]",
        "f(a=x[1,2], b=x.y[a:]) --> [{'f': {'a': 'x[(1, 2)]', 'b': 'x.y[a:]'}}]",
        "f(a=1, a=2) --> [{'f': {'a': 2}}]",
        "f(**k) --> [{'f': {None: 'k'}}]",
        "f(x).g(a=1) --> [{'g': {'a': 1}}]",
        "[] --> []",
      })
  void pythonCalls(String text, String wanted) throws PythonError {
    assertEquals(wanted, prompted(text, BfclLanguage.PYTHON));
  }

  @Test
  void fencesAndQuotesAroundTheCallsAreDropped() throws PythonError {
    assertEquals("[{'f': {'a': 1}}]", prompted("```\n[f(a=1)]\n```", BfclLanguage.PYTHON));
    assertEquals("[]", prompted("", BfclLanguage.PYTHON));
    // The name of a fence's language is not.
    assertThrows(
        PythonError.class, () -> prompted("```python\n[f(a=1)]\n```", BfclLanguage.PYTHON));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "I cannot help with that.", "[f(a=1)] and more", "[f(a=1)][0]", "[1]", "[f]", "[[f(a=1)]]",
        "f(a=Unit.METRE)", "f(a={1, 2})", "f(a=x and y)", "f(a=-x)", "f(a=--1)", "f(a=f'x')",
        "f(a=[*b])", "f(a={**b})", "f(a={[1]: 2})", "f(a=x+1)", "f(a=2024-01-15)",
            "f(a=1 if b else 2)",
        "f(a=lambda: 1)", "f(a=x<y)", "f(from='x')", "f(a=1"
      })
  void whatIsNoPythonCall(String text) {
    assertThrows(PythonError.class, () -> prompted(text, BfclLanguage.PYTHON), text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = " --> ",
      quoteCharacter = '`',
      value = {
        "[Shop.find(a=\"x y\", b=5)] --> [{'Shop.find': {'a': 'x y', 'b': '5'}}]",
        "Shop.find(c='z', d=1.5f, e=-3) --> [{'Shop.find': {'c': 'z', 'd': '1.5f', 'e': '-3'}}]",
        "Shop.find(a=new int[]{1, 2}) --> [{'Shop.find': {'a': 'new int[]{1,2}'}}]",
        "Shop.find(a=new ArrayList<>(Arrays.asList(\"p\", \"q\")))"
            + " --> [{'Shop.find': {'a': 'new ArrayList<>(Arrays.asList(\"p\", \"q\"))'}}]",
        // What stands in the braces is lost.
        "Shop.find(a=new HashMap<String, Integer>() {{ put(\"k\", 1); }})"
            + " --> [{'Shop.find': {'a': 'new HashMap<String,Integer>()'}}]",
        "Shop.find(a=other, name, \"dropped\", 7) --> [{'Shop.find': {'a': 'other', None:"
            + " 'name'}}]",
        "x = Shop.find(a=Unit.M); --> [{'Shop.find': {'a': 'Unit.M'}}]",
        // Behind a letter of two bytes the decoder reads one character too far.
        "Shop.find(name=\"é\", b=\"text\") --> [{'Shop.find': {'name': 'é\"', '=': 'ext\"'}}]",
        "[Shop.find(a=1, b=2); Shop.other(c=3);] --> [{'Shop.find': {'a': '1', 'b': '2'}}]",
        "[int x = 5;] --> {}",
      })
  void javaCalls(String text, String wanted) throws PythonError {
    assertEquals(wanted, prompted(text, BfclLanguage.JAVA));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Shop.find(a=1",
        "I cannot help with that.",
        "Shop.find(a: 1)",
        "Shop.find(aa=11, aa=22)",
        "Shop.find(first, second)",
        "Shop.find(a=new int[5], b=\"x\")"
      })
  void whatIsNoJavaCall(String text) {
    assertThrows(PythonError.class, () -> prompted(text, BfclLanguage.JAVA), text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = " --> ",
      quoteCharacter = '`',
      value = {
        "[find(a=\"x\", b='y', c=[1, {d: 2}])] --> [{'find': {'a': 'x', 'b': 'y', 'c': '[1, {d:"
            + " 2}]'}}]",
        "shop.find(a=() => { return 1; }) --> [{'shop.find': {'a': '() => { return 1; }'}}]",
        "find(a=\"é\", b=new Date()) --> [{'find': {'a': 'é', 'b': 'new Date()'}}]",
        "find(true) --> [{'find': {None: 'true'}}]",
        "find(false, 5) --> [{'find': {}}]",
        "find(a=1); other(b=2) --> [{'find': {'a': '1'}}]",
        "x = 1 --> None",
        "find(a=1), other(b=2) --> None",
      })
  void javaScriptCalls(String text, String wanted) throws PythonError {
    assertEquals(wanted, prompted(text, BfclLanguage.JAVASCRIPT));
  }

  @ParameterizedTest
  @ValueSource(strings = {"find(a=1", "find(a: 1)", "find(a=1, a=2)", "find(x, y)", "no call here"})
  void whatIsNoJavaScriptCall(String text) {
    assertThrows(PythonError.class, () -> prompted(text, BfclLanguage.JAVASCRIPT), text);
  }

  @Test
  void toolCallTags() throws PythonError {
    String text =
        """
        Let me see.
        <tool_call>
        {"name": "f", "arguments": {"a": 1.0, "b": [true, null]}}
        </tool_call>
        <tool_call>
        no JSON
        </tool_call>
        <tool_call>{"name": "g", "arguments": {}}</tool_call>
        <tool_call>
        {"arguments": {}, "name": "h"}
        </tool_call>\
        """;
    assertEquals(
        "[{'f': {'a': 1.0, 'b': [True, None]}}, {'h': {}}]",
        PythonRepr.of(BfclDecoder.decode(text, PromptFormat.TOOLS, BfclLanguage.JAVA)));
    assertEquals(
        List.of(), BfclDecoder.decode("[f(a=1)]", PromptFormat.TOOLS, BfclLanguage.PYTHON));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[1]",
        "{\"name\": \"f\"}",
        "{\"arguments\": {}}",
        "{\"name\": \"f\", \"arguments\": []}",
        "{\"name\": \"f\", \"arguments\": \"{}\"}",
        "{\"name\": [], \"arguments\": {}}"
      })
  void jsonThatIsNoCallIsAnError(String json) {
    assertThrows(
        PythonError.class,
        () ->
            BfclDecoder.decode(
                "<tool_call>\n" + json + "\n</tool_call>",
                PromptFormat.TOOLS,
                BfclLanguage.PYTHON));
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = " --> ",
      quoteCharacter = '`',
      value = {
        "{\"name\": \"f\", \"parameters\": {\"a\": 1}} --> [{'f': {'a': 1}}]",
        "<|python_tag|>{\"name\": \"f\", \"parameters\": {\"a\": \"1\"}}; {\"name\": \"g\","
            + " \"parameters\": {\"b\": 2.0}} --> [{'f': {'a': '1'}}, {'g': {'b': 2.0}}]",
        "[{\"name\": \"f\", \"parameters\": {}}, {\"name\": \"f\", \"parameters\": {}},]"
            + " --> [{'f': {}}, {'f': {}}]",
        "{\"name\": \"f\", \"parameters\": {}}, {\"name\": \"g\", \"parameters\": {}}"
            + " --> [{'f': {}}, {'g': {}}]",
        // One call is read as Python, several as JSON.
        "{\"name\": \"f\", \"parameters\": {\"a\": True, \"b\": None}}"
            + " --> [{'f': {'a': True, 'b': None}}]",
        "{\"name\": \"f\", \"parameters\": {\"a\": true}}; {\"name\": \"g\", \"parameters\":"
            + " {\"b\": null}} --> [{'f': {'a': True}}, {'g': {'b': None}}]",
        "{\"name\": \"f\", \"parameters\": {\"a\": 2*3+1, \"b\": -5, \"c\": not True}}"
            + " --> [{'f': {'a': 7, 'b': -5, 'c': False}}]",
        "{'name': 'f', 'parameters': {'a': (1, 2)}} --> [{'f': {'a': (1, 2)}}]",
        "{\"name\": \"f\", \"parameters\": 5} --> [{'f': 5}]",
        "{\"type\": \"function\", \"name\": \"f\", \"name\": \"g\", \"parameters\": {\"a\": 1,"
            + " \"a\": 2}} --> [{'g': {'a': 2}}]",
        "{\"name\": None, \"parameters\": {}} --> [{None: {}}]",
        "{\"name\": \"f\", \"parameters\": {}} or 5 --> [{'f': {}}]",
        "[] --> []",
        "() --> []",
        "\"\" --> []",
      })
  void llamasCalls(String text, String wanted) throws PythonError {
    assertEquals(
        wanted,
        PythonRepr.of(BfclDecoder.decode(text, PromptFormat.LLAMA_JSON, BfclLanguage.JAVA)));
  }

  @Test
  void blanksAroundLlamasCalls() throws PythonError {
    for (String text : List.of(" \t%s", "\n%s\n", "%s  ")) {
      String call = text.formatted("{\"name\": \"f\", \"parameters\": {}}");
      assertEquals(
          "[{'f': {}}]",
          PythonRepr.of(BfclDecoder.decode(call, PromptFormat.LLAMA_JSON, BfclLanguage.PYTHON)));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "I cannot.",
        "5",
        "None",
        "[1]",
        "{}",
        "{1, 2}",
        "[f(a=1)]",
        "{\"name\": \"f\", \"parameters\": {\"a\": true}}",
        "{\"name\": \"f\", \"parameters\": {\"a\": True}}; {\"name\": \"g\", \"parameters\": {}}",
        "{\"name\": \"f\", \"parameters\": {\"a\": \"x; y\"}}",
        "{\"name\": \"f\", \"parameters\": {}};",
        "{\"name\": \"f\", \"arguments\": {}}",
        "{\"name\": [\"f\"], \"parameters\": {}}",
        "{\"name\": \"f\", \"parameters\": {\"a\": 1}",
        "{\"name\": \"f\", \"parameters\": {}}\n{\"name\": \"g\", \"parameters\": {}}",
      })
  void whatIsNoCallOfLlamas(String text) {
    assertThrows(
        PythonError.class,
        () -> BfclDecoder.decode(text, PromptFormat.LLAMA_JSON, BfclLanguage.PYTHON),
        text);
  }

  @Test
  void restTags() throws PythonError {
    String text =
        """
        <think> one <tool_call> </think>
        <tool_call>
        {"name": "f", "parameters": {"a": 1}}
        no JSON
        {"name": " None ", "parameters": {}}
        {"name": "g", "parameters": 5}
        {"name": "h"}
        </tool_call>
        <response> done </response>\
        """;
    assertEquals(
        "[{'f': {'a': 1}}, {'g': 5}]",
        PythonRepr.of(BfclDecoder.decode(text, PromptFormat.REST, BfclLanguage.PYTHON)));
    assertEquals(
        List.of(),
        BfclDecoder.decode(
            "{\"name\": \"f\", \"parameters\": {}}", PromptFormat.REST, BfclLanguage.PYTHON));
  }

  @Test
  void recordedCallsOfAnInterface() throws PythonError {
    assertEquals(
        "[{'f': {'a': 1}}, {'g': {}}]",
        PythonRepr.of(
            BfclDecoder.recorded(List.of(Map.of("f", "{\"a\": 1}"), Map.of("g", Map.of())))));
    assertThrows(PythonError.class, () -> BfclDecoder.recorded(List.of(Map.of("f", "{"))));
    assertThrows(PythonError.class, () -> BfclDecoder.recorded(List.of("f")));
  }
}
