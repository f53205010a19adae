package org.grpo4j.trainer.serve;

import java.util.Arrays;
import org.grpo4j.torch.text.Tokenizer;

/**
 * The text of a growing list of tokens, in whole characters: a token may end inside a character's
 * UTF-8 bytes, and its text is known only with the tokens after it.
 *
 * <p>Not the tokens' texts one after the other: some tokenizers put a space between two tokens, but
 * none before the first. A window of the last tokens is decoded twice, with the new token and
 * without.
 */
final class TokenText {
  private static final char REPLACEMENT = '\uFFFD';

  /** A character has at most four bytes, so at most three of an unfinished one. */
  private static final int UNFINISHED = 3;

  private final Tokenizer tokenizer;
  private final boolean skipSpecial;
  private long[] window = new long[8];
  private int size;
  // Tokens of the window whose text was given before the last ones began.
  private int known;
  // Chars of the window's text that were given.
  private int given;

  TokenText(Tokenizer tokenizer, boolean skipSpecial) {
    this.tokenizer = tokenizer;
    this.skipSpecial = skipSpecial;
  }

  /** Adds a token; returns the text that is certain now and was not before, possibly empty. */
  String append(int token) {
    if (size == window.length) {
      window = Arrays.copyOf(window, 2 * size);
    }
    window[size++] = token;
    String text = decode(0);
    int certain = certain(text);
    String fresh = certain > given ? text.substring(given, certain) : "";
    given = Math.max(given, certain);
    // A token without text says nothing about the one after it: the context stays.
    if (certain == text.length() && !fresh.isEmpty()) {
      moveWindow();
    }
    return fresh;
  }

  /** What is left of a character that was never finished: U+FFFD, as a decoder shows it. */
  String rest() {
    String text = decode(0);
    String fresh = text.substring(Math.min(given, text.length()));
    given = text.length();
    return fresh;
  }

  /** Chars before the unfinished character, where there is one. */
  private static int certain(String text) {
    int end = text.length();
    while (end > 0 && text.length() - end < UNFINISHED && text.charAt(end - 1) == REPLACEMENT) {
      end--;
    }
    return end;
  }

  /** Whole characters: tokens that were known before are not needed as context any more. */
  private void moveWindow() {
    System.arraycopy(window, known, window, 0, size - known);
    size -= known;
    known = size;
    given = decode(0).length();
  }

  private String decode(int from) {
    return tokenizer.decode(Arrays.copyOfRange(window, from, size), skipSpecial);
  }
}
