package org.grpo4j.trainer.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.grpo4j.trainer.serve.ToolCallSyntax.Call;
import org.grpo4j.trainer.serve.ToolCallSyntax.Part;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Calls and content, the same however the text is cut into pieces. */
class ToolCallReaderTest {
  private static void assertRead(
      ToolCallSyntax syntax, String text, String content, Call... calls) {
    for (int size = 1; size <= text.length(); size++) {
      ToolCallReader reader = syntax.reader();
      StringBuilder given = new StringBuilder();
      List<Call> found = new ArrayList<>();
      for (int at = 0; at < text.length(); at += size) {
        Part part = reader.append(text.substring(at, Math.min(text.length(), at + size)));
        given.append(part.content());
        found.addAll(part.calls());
      }
      Part rest = reader.rest();
      given.append(rest.content());
      found.addAll(rest.calls());
      assertEquals(content, given.toString(), "content, pieces of " + size);
      assertEquals(List.of(calls), found, "calls, pieces of " + size);
    }
  }

  @Test
  void qwensCallsAndTheTextAroundThem() {
    assertRead(
        ToolCallSyntax.HERMES,
        "<think>a < b</think>\n\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": 0.10, \"y\":"
            + " \"}\"}}\n</tool_call>\n<tool_call>{\"name\": \"g\"}</tool_call>\nDone.\n",
        "<think>a < b</think>Done.\n",
        new Call("f", "{\"x\":0.10,\"y\":\"}\"}"),
        new Call("g", "{}"));
  }

  @Test
  void toolRlsLinesAndArgumentsAsText() {
    assertRead(
        ToolCallSyntax.HERMES,
        "<tool_call>\n{\"name\": \"f\", \"parameters\": {\"n\": 1}}\n"
            + "{\"name\": \"g\", \"arguments\": \"{\\\"a\\\": 2}\"}\n</tool_call>",
        "",
        new Call("f", "{\"n\":1}"),
        new Call("g", "{\"a\": 2}"));
  }

  @Test
  void aCallWithoutItsClosingTag() {
    assertRead(
        ToolCallSyntax.HERMES,
        "ok <tool_call>{\"name\": \"f\", \"arguments\": {}}",
        "ok",
        new Call("f", "{}"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "a\n<tool_call>{\"name\": 3}</tool_call>\nb",
        "a <tool_call>not json</tool_call> b",
        "a <tool_call>{\"name\": \"f\", \"argu",
        "a <tool_call></tool_call>",
        "a <tool_cal",
        "a < b \n",
      })
  void whatIsNoCallStaysContent(String text) {
    assertRead(ToolCallSyntax.HERMES, text, text);
  }

  @Test
  void llamasJson() {
    assertRead(
        ToolCallSyntax.LLAMA3_JSON,
        " {\"name\": \"f\", \"parameters\": {\"q\": \"ü\"}}; {\"name\": \"g\", \"parameters\": {}}",
        "",
        new Call("f", "{\"q\":\"ü\"}"),
        new Call("g", "{}"));
    assertRead(
        ToolCallSyntax.LLAMA3_JSON, "Use {\"name\": \"f\"} here", "Use {\"name\": \"f\"} here");
    assertRead(ToolCallSyntax.LLAMA3_JSON, "{\"a\": 1}", "{\"a\": 1}");
  }

  @Test
  void noneFindsNoCalls() {
    String text = "<tool_call>{\"name\": \"f\"}</tool_call>";
    assertRead(ToolCallSyntax.NONE, text, text);
  }
}
