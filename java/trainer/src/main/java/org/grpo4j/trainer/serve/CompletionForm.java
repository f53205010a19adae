package org.grpo4j.trainer.serve;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.grpo4j.torch.text.Tokenizer;

/**
 * What a completion has to look like: one of some openings, which lead into JSON of a schema, and a
 * closing. Whatever leaves more than one way is the model's choice.
 *
 * @param openings empty: any text
 * @param closing after it the model is free; empty: the completion ends after the JSON
 */
record CompletionForm(List<Opening> openings, String closing) {
  /** Any text. */
  static final CompletionForm FREE = new CompletionForm(List.of(), "");

  /** Blanks between the tokens of JSON are without end: an indented line's are enough. */
  private static final int MOST_BLANKS = 20;

  CompletionForm {
    openings = List.copyOf(openings);
  }

  /**
   * How a completion may begin.
   *
   * @param text up to where the model chooses; the JSON begins with its first brace, or after it
   * @param tokens how the tokenizer writes it in a whole text, as far as that does not depend on
   *     what follows
   * @param json what the JSON has to be, the part in the opening included
   */
  @SuppressWarnings("ArrayRecordComponent") // Token ids, never compared.
  record Opening(String text, long[] tokens, JsonSchema json) {
    static Opening of(String text, JsonSchema json, Tokenizer tokenizer) {
      return new Opening(text, asWritten(text, tokenizer), json);
    }

    /**
     * An opening's last tokens may reach into what follows, and a model that is made to cut them
     * off goes astray.
     */
    private static long[] asWritten(String text, Tokenizer tokenizer) {
      long[] empty = tokenizer.encode(text + " {}}", false);
      long[] filled = tokenizer.encode(text + " {\"a\": 1}}", false);
      return Arrays.copyOf(empty, Arrays.mismatch(empty, filled));
    }

    private boolean begins(List<Integer> sampled) {
      for (int i = 0; i < sampled.size(); i++) {
        if (tokens[i] != sampled.get(i)) {
          return false;
        }
      }
      return true;
    }
  }

  /** JSON and nothing else. */
  static CompletionForm json(JsonSchema schema) {
    return new CompletionForm(List.of(new Opening("", new long[0], schema)), "");
  }

  boolean isFree() {
    return openings.isEmpty();
  }

  /**
   * The tokens that may come next while an opening is written.
   *
   * @param sampled the completion so far
   * @return empty: {@link #allows} alone decides
   */
  Set<Integer> next(List<Integer> sampled) {
    return openings.stream()
        .filter(opening -> opening.tokens().length > sampled.size() && opening.begins(sampled))
        .map(opening -> Math.toIntExact(opening.tokens()[sampled.size()]))
        .collect(Collectors.toSet());
  }

  /**
   * Whether a text can be, or become, a completion of this form.
   *
   * @param ends whether nothing comes after it
   */
  boolean allows(String text, boolean ends) {
    return isFree() || openings.stream().anyMatch(opening -> allows(opening, text, ends));
  }

  private boolean allows(Opening opening, String text, boolean ends) {
    if (!text.startsWith(opening.text())) {
      return !ends && opening.text().startsWith(text);
    }
    int brace = opening.text().indexOf('{');
    int start = brace < 0 ? opening.text().length() : brace;
    int end = JsonPrefix.end(text, start, opening.json());
    if (end < 0) {
      return end == JsonPrefix.OPEN && !ends && fewBlanks(text);
    }
    String after = text.substring(JsonPrefix.skipBlanks(text, end));
    if (closing.isEmpty()) {
      return after.isEmpty() && fewBlanks(text);
    }
    return after.startsWith(closing) || (!ends && closing.startsWith(after));
  }

  /** At the end of the text, which is where each token puts them. */
  private static boolean fewBlanks(String text) {
    String blanks = text.substring(text.stripTrailing().length());
    return blanks.length() <= MOST_BLANKS && blanks.indexOf('\n') == blanks.lastIndexOf('\n');
  }
}
