package org.grpo4j.trainer.task;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * A typed parameter of a tool of the embedded task.
 *
 * @param name as in the signature and in the call
 * @param numbers the legal numbers; empty for a text parameter
 * @param words the legal words, each one capitalised word; empty for a number
 */
record ToolParameter(String name, List<Integer> numbers, List<String> words) {

  static ToolParameter number(String name, int min, int maxInclusive) {
    return new ToolParameter(
        name, IntStream.rangeClosed(min, maxInclusive).boxed().toList(), List.of());
  }

  static ToolParameter word(String name, List<String> words) {
    return new ToolParameter(name, List.of(), words);
  }

  boolean isNumber() {
    return !numbers.isEmpty();
  }

  /** A legal value of the split: an Integer or a String. */
  Object sample(SplittableRandom random, Split split) {
    if (!isNumber()) {
      return words.get(random.nextInt(words.size()));
    }
    List<Integer> allowed = numbers.stream().filter(n -> Split.of(n) == split).toList();
    return allowed.get(random.nextInt(allowed.size()));
  }
}
