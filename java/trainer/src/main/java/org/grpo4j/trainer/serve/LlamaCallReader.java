package org.grpo4j.trainer.serve;

import java.util.List;
import org.grpo4j.trainer.serve.ToolCallSyntax.Part;

/**
 * Calls of Llama 3: the whole completion is JSON. What begins with a brace is held back to its end;
 * everything else is content at once.
 */
final class LlamaCallReader implements ToolCallReader {
  private final StringBuilder held = new StringBuilder();
  private boolean content;

  @Override
  public Part append(String piece) {
    held.append(piece);
    int start = 0;
    while (start < held.length() && Character.isWhitespace(held.charAt(start))) {
      start++;
    }
    content |= start < held.length() && held.charAt(start) != '{' && held.charAt(start) != '[';
    if (!content) {
      return new Part("", List.of());
    }
    return new Part(take(), List.of());
  }

  @Override
  public Part rest() {
    String rest = take();
    return CallJson.parse(rest)
        .map(calls -> new Part("", calls))
        .orElseGet(() -> new Part(rest, List.of()));
  }

  private String take() {
    String text = held.toString();
    held.setLength(0);
    return text;
  }
}
