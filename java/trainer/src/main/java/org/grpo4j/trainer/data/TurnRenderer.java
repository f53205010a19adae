package org.grpo4j.trainer.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.text.Tokenizer;

/**
 * Continues conversations after a turn of the model: what the chat template writes between the end
 * of that turn and the beginning of the next.
 *
 * <p>The conversation is rendered with a mark in place of the turn's text; the part after the mark
 * is the template's. Templates may write earlier turns in another way than the model did (Qwen3's
 * leaves out earlier reasoning), which does not matter here: only the part after the mark is used,
 * and the turn's own tokens stay as they were sampled.
 */
public final class TurnRenderer {
  /** A character of the private use area: no text is expected to hold it. */
  private static final String MARK = "\uE000";

  private static final String CUT = " [cut]";

  private final PromptRenderer prompts;
  private final Tokenizer tokenizer;
  private final List<String> endTexts;

  /**
   * @param endTokens ids that end a turn; sampled with the turn, so the template's own is left out
   */
  public TurnRenderer(PromptRenderer prompts, Tokenizer tokenizer, Iterable<Integer> endTokens) {
    this.prompts = prompts;
    this.tokenizer = tokenizer;
    List<String> texts = new ArrayList<>();
    endTokens.forEach(id -> texts.add(tokenizer.decode(new long[] {id}, false)));
    this.endTexts = List.copyOf(texts);
  }

  /** The text of a turn without special tokens. */
  public String text(long[] ids) {
    return tokenizer.decode(ids, true);
  }

  /**
   * Ids that follow the last assistant's message of a conversation, whose end token was sampled:
   * the messages after it, the tools' answers, and the opening of the next turn.
   *
   * @param example whose messages come first
   * @param history the messages after them: assistant, tool, …, assistant, tool, …
   * @throws InputException the template does not end an assistant's turn with one of the end tokens
   */
  public long[] afterTurn(Example example, List<Map<String, Object>> history) {
    List<Map<String, Object>> messages = new ArrayList<>(example.messages());
    messages.addAll(history);
    String mark = MARK;
    while (messages.toString().contains(mark)) {
      mark += MARK;
    }
    int last = lastAssistant(messages);
    Map<String, Object> marked = new LinkedHashMap<>(messages.get(last));
    marked.put("content", mark);
    messages.set(last, marked);
    String rendered = prompts.chat(example, messages);
    int at = rendered.indexOf(mark);
    if (at < 0) {
      throw new InputException(
          example.source() + ": the chat template does not write an assistant's content");
    }
    return tokenizer.encode(afterEnd(rendered.substring(at + mark.length()), example), false);
  }

  private static int lastAssistant(List<Map<String, Object>> messages) {
    int last = messages.size() - 1;
    while (last >= 0 && !"assistant".equals(messages.get(last).get("role"))) {
      last--;
    }
    if (last < 0) {
      throw new IllegalArgumentException("history: has no assistant's message");
    }
    return last;
  }

  private String afterEnd(String text, Example example) {
    String stripped = text.stripLeading();
    return endTexts.stream()
        .filter(stripped::startsWith)
        .findFirst()
        .map(end -> stripped.substring(end.length()))
        .orElseThrow(
            () ->
                new InputException(
                    example.source()
                        + ": the chat template goes on after an assistant's turn with '"
                        + stripped
                            .substring(0, Math.min(stripped.length(), 40))
                            .replace("\n", "\\n")
                        + "', which is none of the tokens that end a turn, "
                        + endTexts
                        + ": its end would be written twice or be missing"));
  }

  /**
   * A tool's output as it may stand in a conversation: without special tokens, which could end its
   * message and open another's, and cut to a number of tokens.
   */
  public String bounded(String output, int maxTokens) {
    String plain = tokenizer.withoutSpecialTokens(output);
    long[] ids = tokenizer.encode(plain, false);
    if (ids.length <= maxTokens) {
      return plain;
    }
    String kept = tokenizer.decode(Arrays.copyOf(ids, maxTokens), false);
    // A cut inside a character shows as U+FFFD.
    return kept.replaceAll("\uFFFD+$", "") + CUT;
  }
}
