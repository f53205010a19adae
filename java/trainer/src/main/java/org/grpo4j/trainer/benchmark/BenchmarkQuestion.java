package org.grpo4j.trainer.benchmark;

import java.util.List;
import java.util.Map;

/**
 * A question as a model is asked it.
 *
 * @param id unique within the benchmark
 * @param group the part of the benchmark whose accuracy it counts for
 * @param messages the conversation to answer: role, content
 */
public record BenchmarkQuestion(String id, String group, List<Map<String, Object>> messages) {
  /** Copies the list. */
  public BenchmarkQuestion {
    messages = List.copyOf(messages);
  }
}
