package org.grpo4j.trainer.weight;

import java.util.Arrays;
import java.util.function.Function;
import org.grpo4j.torch.text.Encoding;
import org.grpo4j.torch.text.Tokenizer;

/**
 * A sampled completion's text and where each of its tokens lies in it.
 *
 * <p>A model may sample other tokens than the tokenizer would choose for the same text, so that the
 * offsets of encoding the text again (what ResT's release does) may belong to other tokens, even to
 * another number of them. Here they are the sampled tokens' own.
 *
 * @param text the tokens decoded, special tokens included
 * @param offsets [n][2] each token's first code point and the one after its last; tokens that are
 *     parts of one character all have the whole character
 */
// An array: spans per token, as the tokenizer gives them.
@SuppressWarnings("ArrayRecordComponent")
public record CompletionText(String text, int[][] offsets) {
  /** A character has at most so many bytes of UTF-8, so at most so many tokens. */
  private static final int MAX_TOKENS_OF_CHARACTER = 4;

  /**
   * Decodes a completion.
   *
   * @param ids [n] as sampled
   */
  public static CompletionText of(long[] ids, Tokenizer tokenizer) {
    String text = tokenizer.decode(ids, false);
    Encoding again = tokenizer.encodeWithOffsets(text);
    if (Arrays.equals(again.ids(), ids)) {
      return new CompletionText(text, again.offsets());
    }
    return ofPieces(ids, text, part -> tokenizer.decode(part, false));
  }

  /** Finds the offsets by decoding token by token, or prefix by prefix where that differs. */
  static CompletionText ofPieces(long[] ids, String text, Function<long[], String> decode) {
    int[][] offsets = new int[ids.length][];
    StringBuilder joined = new StringBuilder();
    int at = 0;
    int start = 0;
    for (int t = 0; t < ids.length; t++) {
      String piece = decode.apply(Arrays.copyOfRange(ids, start, t + 1));
      boolean partOfCharacter = piece.endsWith("\ufffd") && t + 1 < ids.length;
      if (partOfCharacter && t + 1 - start < MAX_TOKENS_OF_CHARACTER) {
        continue;
      }
      int end = at + codePoints(piece);
      for (int i = start; i <= t; i++) {
        offsets[i] = new int[] {at, end};
      }
      joined.append(piece);
      at = end;
      start = t + 1;
    }
    return joined.toString().equals(text)
        ? new CompletionText(text, offsets)
        : ofPrefixes(ids, text, decode);
  }

  /**
   * For decoders that look at a token's neighbours, such as those that drop the first token's
   * space. Quadratic in the number of tokens.
   */
  private static CompletionText ofPrefixes(
      long[] ids, String text, Function<long[], String> decode) {
    int[][] offsets = new int[ids.length][];
    int length = codePoints(text);
    int at = 0;
    for (int t = 0; t < ids.length; t++) {
      int decoded = codePoints(decode.apply(Arrays.copyOf(ids, t + 1)));
      // An unfinished character may decode to more signs than it becomes: never past the text.
      int end = Math.max(at, Math.min(decoded, length));
      offsets[t] = new int[] {at, end};
      at = end;
    }
    return new CompletionText(text, offsets);
  }

  private static int codePoints(String text) {
    return text.codePointCount(0, text.length());
  }
}
