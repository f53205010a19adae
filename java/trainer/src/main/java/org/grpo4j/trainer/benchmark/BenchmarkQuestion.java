package org.grpo4j.trainer.benchmark;

import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.data.Example;
import org.jspecify.annotations.Nullable;

/**
 * A question as a model is asked it: a conversation for the checkpoint's chat template, or a prompt
 * that is whole.
 *
 * @param id unique within the benchmark
 * @param group the part of the benchmark whose accuracy it counts for
 * @param messages the conversation to answer: role, content; empty where there is a prompt
 * @param prompt with all of its special tokens; null for a conversation
 */
public record BenchmarkQuestion(
    String id, String group, List<Map<String, Object>> messages, @Nullable String prompt) {
  /** Copies the list. */
  public BenchmarkQuestion {
    messages = List.copyOf(messages);
  }

  /** A conversation. */
  public static BenchmarkQuestion ofMessages(
      String id, String group, List<Map<String, Object>> messages) {
    return new BenchmarkQuestion(id, group, messages, null);
  }

  /** The question as a row for a renderer of prompts. */
  public Example example() {
    return new Example(id, messages, prompt, "", List.of(), Map.of(), "question " + id);
  }
}
