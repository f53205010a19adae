package org.grpo4j.trainer.serve;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.grpo4j.trainer.serve.ToolCallSyntax.Call;
import org.grpo4j.trainer.serve.ToolCallSyntax.Part;

/**
 * Calls between tool_call tags, as Hermes, Qwen and ToolRL write them. A block that is no JSON
 * stays content, tags included; blanks next to a block belong to it.
 */
final class HermesCallReader implements ToolCallReader {
  private static final String OPEN = "<tool_call>";
  private static final String CLOSE = "</tool_call>";

  private final StringBuilder held = new StringBuilder();
  // Blanks before the block that is being read: content again where it turns out to be no call.
  private String blanks = "";
  private boolean inside;
  private boolean afterBlock;

  @Override
  public Part append(String piece) {
    held.append(piece);
    StringBuilder content = new StringBuilder();
    List<Call> calls = new ArrayList<>();
    while (inside ? readBlock(content, calls) : readContent(content)) {}
    return new Part(content.toString(), calls);
  }

  /** Content up to the next block; false: more text is needed. */
  private boolean readContent(StringBuilder content) {
    if (afterBlock) {
      int start = 0;
      while (start < held.length() && Character.isWhitespace(held.charAt(start))) {
        start++;
      }
      held.delete(0, start);
      afterBlock = held.length() == 0;
    }
    int open = held.indexOf(OPEN);
    int certain = withoutBlanks(open >= 0 ? open : held.length() - beginningOfOpen());
    content.append(held, 0, certain);
    if (open < 0) {
      held.delete(0, certain);
      return false;
    }
    blanks = held.substring(certain, open);
    held.delete(0, open + OPEN.length());
    inside = true;
    return true;
  }

  /** A block; false: its end is not there yet. */
  private boolean readBlock(StringBuilder content, List<Call> calls) {
    int close = held.indexOf(CLOSE);
    if (close < 0) {
      return false;
    }
    String block = held.substring(0, close);
    held.delete(0, close + CLOSE.length());
    Optional<List<Call>> read = CallJson.parse(block);
    read.ifPresentOrElse(calls::addAll, () -> content.append(blanks + OPEN + block + CLOSE));
    inside = false;
    afterBlock = read.isPresent();
    return true;
  }

  @Override
  public Part rest() {
    String rest = held.toString();
    held.setLength(0);
    if (!inside) {
      return new Part(rest, List.of());
    }
    // The model ended without the closing tag.
    return CallJson.parse(rest)
        .map(calls -> new Part("", calls))
        .orElseGet(() -> new Part(blanks + OPEN + rest, List.of()));
  }

  private int withoutBlanks(int end) {
    int at = end;
    while (at > 0 && Character.isWhitespace(held.charAt(at - 1))) {
      at--;
    }
    return at;
  }

  /** Length of the end of the text that may become an opening tag. */
  private int beginningOfOpen() {
    for (int length = Math.min(OPEN.length() - 1, held.length()); length > 0; length--) {
      if (OPEN.startsWith(held.substring(held.length() - length))) {
        return length;
      }
    }
    return 0;
  }
}
