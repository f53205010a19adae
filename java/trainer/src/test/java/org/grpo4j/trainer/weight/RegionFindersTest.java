package org.grpo4j.trainer.weight;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.grpo4j.torch.InputException;
import org.junit.jupiter.api.Test;

final class RegionFindersTest {
  /** Region and text of each span, in the order of the text; format spans by themselves. */
  private static List<String> parts(RegionFinder finder, String text) {
    int[] points = text.codePoints().toArray();
    List<RegionSpan> spans = new ArrayList<>(finder.find(text));
    spans.sort(java.util.Comparator.comparingInt(RegionSpan::start));
    return spans.stream()
        .map(s -> s.region() + "|" + new String(points, s.start(), s.end() - s.start()))
        .toList();
  }

  @Test
  void aHermesCall() {
    assertEquals(
        List.of(
            "FORMAT|<think>",
            "REASONING|😀 so",
            "FORMAT|</think>",
            "FORMAT|<tool_call>",
            "FORMAT|{\"name\": \"",
            "TOOL_NAME|f",
            "FORMAT|\", \"arguments\": ",
            "ARGUMENTS|{\"name\": \"x}\", \"a\": [{}]}",
            "FORMAT|}",
            "FORMAT|</tool_call>"),
        parts(
            new HermesRegions(),
            "<think>😀 so</think>\nSure.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"name\":"
                + " \"x}\", \"a\": [{}]}}\n</tool_call>"));
  }

  @Test
  void argumentsMayComeFirstAndMayBeLeftOut() {
    assertEquals(
        List.of(
            "FORMAT|<tool_call>",
            "FORMAT|{\"arguments\": ",
            "ARGUMENTS|{\"name\": \"g\"}",
            "FORMAT|, \"name\": \"",
            "TOOL_NAME|f",
            "FORMAT|\"}",
            "FORMAT|</tool_call>",
            "FORMAT|<tool_call>",
            "FORMAT|{\"name\": \"",
            "TOOL_NAME|h",
            "FORMAT|\"}",
            "FORMAT|</tool_call>"),
        parts(
            new HermesRegions(),
            "<tool_call>{\"arguments\": {\"name\": \"g\"}, \"name\": \"f\"}</tool_call>"
                + "<tool_call>{\"name\": \"h\"}</tool_call>"));
  }

  @Test
  void brokenHermesCalls() {
    HermesRegions finder = new HermesRegions();
    assertEquals(List.of(), parts(finder, "<tool_call>{\"name\": \"f\"")); // cut off
    List<String> tags = List.of("FORMAT|<tool_call>", "FORMAT|</tool_call>");
    assertEquals(tags, parts(finder, "<tool_call>none</tool_call> {\"name\": \"f\"}"));
    assertEquals(tags, parts(finder, "<tool_call>{\"name\": \"f\"</tool_call>}"));
    assertEquals(tags, parts(finder, "<tool_call>{\"a\": {\"name\": \"f\"}}</tool_call>"));
    assertEquals(tags, parts(finder, "<tool_call>{\"name\": \"f}</tool_call>")); // open string
  }

  @Test
  void llamaCalls() {
    assertEquals(
        List.of(
            "FORMAT|<|python_tag|>",
            "FORMAT|{\"name\": \"",
            "TOOL_NAME|f",
            "FORMAT|\", \"parameters\": ",
            "ARGUMENTS|{\"q\": \"a \\\"b\\\"\"}",
            "FORMAT|}",
            "FORMAT|{\"name\": \"",
            "TOOL_NAME|g",
            "FORMAT|\", \"parameters\": ",
            "ARGUMENTS|{}",
            "FORMAT|}"),
        parts(
            new Llama3Regions(),
            "<|python_tag|>{\"name\": \"f\", \"parameters\": {\"q\": \"a \\\"b\\\"\"}}; {\"name\":"
                + " \"g\", \"parameters\": {}}"));
    assertEquals(List.of(), parts(new Llama3Regions(), "It is {not} a call, {\"a\": 1}"));
    assertEquals(
        List.of("FORMAT|<think>", "REASONING|{\"name\": \"f\"}", "FORMAT|</think>"),
        parts(new Llama3Regions(), "<think>{\"name\": \"f\"}</think>"));
  }

  /** A finder of a user's own. */
  public static final class WholeText implements RegionFinder {
    @Override
    public List<RegionSpan> find(String text) {
      return List.of(new RegionSpan(Region.REASONING, 0, text.length()));
    }
  }

  @Test
  void findersByName() {
    assertInstanceOf(ToolCallRegions.class, RegionFinders.named("toolrl"));
    assertInstanceOf(HermesRegions.class, RegionFinders.named("hermes"));
    assertInstanceOf(Llama3Regions.class, RegionFinders.named("llama3"));
    assertInstanceOf(WholeText.class, RegionFinders.named(WholeText.class.getName()));
    assertRefused("toolrl, hermes, llama3", "qwen");
    assertRefused("not on the class path", "com.acme.Nothing");
    assertRefused("does not implement", "java.lang.String");
  }

  private static void assertRefused(String reason, String name) {
    String message =
        String.valueOf(
            assertThrows(InputException.class, () -> RegionFinders.named(name)).getMessage());
    assertTrue(message.contains(reason), message);
  }
}
