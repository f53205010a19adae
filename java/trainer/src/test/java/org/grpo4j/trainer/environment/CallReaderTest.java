package org.grpo4j.trainer.environment;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CallReaderTest {
  private static final ToolCall SUM = ToolCall.of("sum", Map.of("a", 1));

  @ParameterizedTest
  @ValueSource(
      strings = {
        "<tool_call>\n{\"name\": \"sum\", \"arguments\": {\"a\": 1}}\n</tool_call>",
        "<tool_call>{\"name\": \"sum\", \"parameters\": {\"a\": 1}}</tool_call> and text",
        "<tool_call>[{\"name\": \"sum\", \"arguments\": {\"a\": 1}}]</tool_call>",
        "<tool_call>{\"name\": \"sum\", \"arguments\": \"{\\\"a\\\": 1}\"}</tool_call>",
        "{\"name\": \"sum\", \"parameters\": {\"a\": 1}}",
        "<|python_tag|>{\"name\": \"sum\", \"parameters\": {\"a\": 1}}",
      })
  void oneCallInEveryForm(String text) {
    assertEquals(List.of(SUM), CallReader.read(text));
  }

  @Test
  void severalCallsKeepTheirOrder() {
    String one = "{\"name\": \"sum\", \"arguments\": {\"a\": 1}}";
    String two = "{\"name\": \"now\"}";
    List<ToolCall> expected = List.of(SUM, ToolCall.of("now", Map.of()));
    assertEquals(
        expected,
        CallReader.read("<tool_call>" + one + "</tool_call>\n<tool_call>" + two + "</tool_call>"));
    assertEquals(expected, CallReader.read("<tool_call>\n" + one + "\n" + two + "\n</tool_call>"));
    assertEquals(expected, CallReader.read("[" + one + ", " + two + "]"));
  }

  @Test
  void whatIsThoughtIsNoCall() {
    String call = "<tool_call>{\"name\": \"sum\", \"arguments\": {\"a\": 1}}</tool_call>";
    assertEquals(List.of(), CallReader.read("<think>" + call + "</think>no"));
    assertEquals(List.of(SUM), CallReader.read("<think>{\"name\": \"x\"}</think>\n" + call));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "It is 21 degrees.",
        "{\"temperature\": 21}",
        "[1, 2]",
        "{\"name\": broken",
        "",
        "<response>Done</response>"
      })
  void answersAreNoCalls(String text) {
    assertEquals(List.of(), CallReader.read(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "<tool_call>{\"name\": \"sum\", \"arguments\": {\"a\": 1}}",
        "<tool_call></tool_call>",
        "<tool_call>{\"name\": \"sum\", \"arguments\": {\"a\": }}</tool_call>",
        "<tool_call>{\"name\": \"sum\", \"arguments\": {}} {}</tool_call>",
        "<tool_call>{\"arguments\": {\"a\": 1}}</tool_call>",
        "<tool_call>{\"name\": \"sum\", \"arguments\": [1]}</tool_call>",
        "<tool_call>\"sum\"</tool_call>",
        "<|python_tag|>{\"name\""
      })
  void brokenCallsSayWhatIsWrong(String text) {
    List<ToolCall> calls = CallReader.read(text);
    assertEquals(1, calls.size());
    assertNotNull(calls.get(0).problem());
  }

  @Test
  void aBrokenBlockDoesNotHideTheNext() {
    List<ToolCall> calls =
        CallReader.read(
            "<tool_call>{\"name\"<tool_call>{\"name\": \"sum\", \"arguments\": {\"a\":"
                + " 1}}</tool_call>");
    assertEquals(2, calls.size());
    assertNotNull(calls.get(0).problem());
    assertEquals(SUM, calls.get(1));
  }

  @Test
  void argumentsMayHoldNullsAndKeepTheirOrder() {
    ToolCall call =
        CallReader.read("{\"name\": \"f\", \"arguments\": {\"z\": null, \"a\": [1.5]}}").get(0);
    assertNull(call.problem());
    assertEquals(List.of("z", "a"), List.copyOf(call.arguments().keySet()));
    assertTrue(call.arguments().containsKey("z"));
  }
}
