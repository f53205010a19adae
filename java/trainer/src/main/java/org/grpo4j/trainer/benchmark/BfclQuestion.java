package org.grpo4j.trainer.benchmark;

import java.util.List;
import java.util.Map;

/**
 * One row of BFCL.
 *
 * @param id for example live_simple_19-3-15
 * @param category for example live_simple
 * @param messages the conversation to answer: role, content
 * @param functions descriptions: name, description, parameters
 * @param answers the calls that are right, each {function: {parameter: [accepted values]}}; empty
 *     where the category has none
 */
public record BfclQuestion(
    String id,
    String category,
    List<Map<String, Object>> messages,
    List<Map<String, Object>> functions,
    List<Map<String, Object>> answers) {
  /** Copies the lists. */
  public BfclQuestion {
    messages = List.copyOf(messages);
    functions = List.copyOf(functions);
    answers = List.copyOf(answers);
  }

  /** Whether any call is wrong here (irrelevance) or any call right (relevance). */
  public boolean asksWhetherToCall() {
    return category.contains("relevance");
  }

  /** Whether the functions fit the question in no way, so that no call is right. */
  public boolean irrelevant() {
    return category.contains("irrelevance");
  }
}
