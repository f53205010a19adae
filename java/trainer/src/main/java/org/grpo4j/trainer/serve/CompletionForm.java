package org.grpo4j.trainer.serve;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.grpo4j.torch.text.Tokenizer;

/**
 * What a completion has to look like: one of some openings, which lead into a JSON object, and a
 * closing. Whatever leaves more than one way is the model's choice.
 *
 * @param openings texts that end where an object has to begin, inside another one or not; the first
 *     brace of opening or text begins the whole JSON object
 * @param openingTokens how the tokenizer writes them in whole texts, as far as that does not depend
 *     on the object
 * @param closing after it the model is free; empty: the completion ends after the object
 */
record CompletionForm(List<String> openings, List<long[]> openingTokens, String closing) {
  /** Any text. */
  static final CompletionForm FREE = new CompletionForm(List.of(), List.of(), "");

  /** Blanks between the tokens of JSON are without end: this many in a row are enough. */
  private static final int MOST_BLANKS = 20;

  CompletionForm {
    openings = List.copyOf(openings);
    openingTokens = List.copyOf(openingTokens);
  }

  /** Openings in the tokens of a model. */
  static CompletionForm of(List<String> openings, String closing, Tokenizer tokenizer) {
    return new CompletionForm(
        openings, openings.stream().map(text -> asWritten(text, tokenizer)).toList(), closing);
  }

  /** A JSON object and nothing else. */
  static CompletionForm jsonObject() {
    return new CompletionForm(List.of(""), List.of(new long[0]), "");
  }

  /**
   * An opening's last tokens may reach into what follows, and a model that is made to cut them off
   * goes astray.
   */
  private static long[] asWritten(String text, Tokenizer tokenizer) {
    long[] empty = tokenizer.encode(text + " {}}", false);
    long[] filled = tokenizer.encode(text + " {\"a\": 1}}", false);
    return Arrays.copyOf(empty, Arrays.mismatch(empty, filled));
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
    return openingTokens.stream()
        .filter(opening -> opening.length > sampled.size() && begins(opening, sampled))
        .map(opening -> Math.toIntExact(opening[sampled.size()]))
        .collect(Collectors.toSet());
  }

  private static boolean begins(long[] opening, List<Integer> sampled) {
    for (int i = 0; i < sampled.size(); i++) {
      if (opening[i] != sampled.get(i)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Whether a text can be, or become, a completion of this form.
   *
   * @param ends whether nothing comes after it
   */
  boolean allows(String text, boolean ends) {
    return isFree() || openings.stream().anyMatch(opening -> allows(opening, text, ends));
  }

  private boolean allows(String opening, String text, boolean ends) {
    if (!text.startsWith(opening)) {
      return !ends && opening.startsWith(text);
    }
    String inner = text.substring(opening.length()).stripLeading();
    if (inner.isEmpty()) {
      return !ends && blanks(text) <= MOST_BLANKS;
    }
    if (inner.charAt(0) != '{') {
      return false;
    }
    int end = JsonPrefix.object(text, text.indexOf('{'));
    if (end < 0) {
      return end == JsonPrefix.OPEN && !ends && blanks(text) <= MOST_BLANKS;
    }
    String after = text.substring(end).stripLeading();
    if (closing.isEmpty()) {
      return after.isEmpty() && blanks(text) <= MOST_BLANKS;
    }
    return after.startsWith(closing) || (!ends && closing.startsWith(after));
  }

  private static int blanks(String text) {
    return text.length() - text.stripTrailing().length();
  }
}
