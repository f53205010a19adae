package org.grpo4j.trainer.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.jspecify.annotations.Nullable;

/**
 * One training row: a prompt and the completion that counts as right.
 *
 * @param id the row's own id where it has one, else its number in the file, from 1
 * @param messages the prompt as a conversation (role, content, tool_calls, …), empty when the
 *     prompt is raw text
 * @param prompt the prompt as raw text, null when it is a conversation
 * @param answer the ground-truth completion text that rewards compare with
 * @param tools the tool signatures handed to the chat template, may be empty
 * @param extra the row's other columns, as they were
 * @param source file and row, for messages to the user
 */
public record Example(
    String id,
    List<Map<String, Object>> messages,
    @Nullable String prompt,
    String answer,
    List<Map<String, Object>> tools,
    Map<String, Object> extra,
    String source) {

  public Example {
    if (messages.isEmpty() == (prompt == null)) {
      throw new IllegalArgumentException(
          source
              + ": want either messages or a raw prompt, got "
              + (prompt == null ? "none" : "both"));
    }
    messages = copy(messages);
    tools = copy(tools);
    // Not Map.copyOf: JSON has nulls, and the order of keys shows in rendered prompts.
    extra = Collections.unmodifiableMap(new LinkedHashMap<>(extra));
  }

  /** A conversation without tools or further columns. */
  public static Example ofMessages(
      String id, List<Map<String, Object>> messages, String answer, String source) {
    return new Example(id, messages, null, answer, List.of(), Map.of(), source);
  }

  /** A raw prompt. */
  public static Example ofText(String id, String prompt, String answer, String source) {
    return new Example(id, List.of(), prompt, answer, List.of(), Map.of(), source);
  }

  /** The same row with other tool signatures. */
  public Example withTools(List<Map<String, Object>> signatures) {
    return new Example(id, messages, prompt, answer, signatures, extra, source);
  }

  /**
   * A recorded conversation step by step, as ToolRL and ResT train: each assistant's turn is the
   * answer to all that comes before it. The last one is this row.
   *
   * @throws InputException an assistant's turn has tool_calls in place of text
   */
  public List<Example> steps() {
    List<Example> steps = new ArrayList<>();
    for (int m = 1; m < messages.size(); m++) {
      if (!"assistant".equals(messages.get(m).get("role"))) {
        continue;
      }
      if (!(messages.get(m).get("content") instanceof String text)) {
        throw new InputException(
            source
                + ": assistant's message "
                + (m + 1)
                + " must hold its calls as text in content to be an answer");
      }
      String name = id + "/" + (steps.size() + 1);
      steps.add(new Example(name, messages.subList(0, m), null, text, tools, extra, source));
    }
    steps.add(this);
    return steps;
  }

  private static List<Map<String, Object>> copy(List<Map<String, Object>> maps) {
    List<Map<String, Object>> copies = new ArrayList<>(maps.size());
    maps.forEach(map -> copies.add(Collections.unmodifiableMap(new LinkedHashMap<>(map))));
    return List.copyOf(copies);
  }
}
