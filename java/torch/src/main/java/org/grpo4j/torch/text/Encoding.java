package org.grpo4j.torch.text;

import java.util.Arrays;

/**
 * Token ids of a text and the span of each token in it.
 *
 * <p>Offsets count Unicode code points, as Python's do, not Java chars: an emoji outside the basic
 * plane is one code point and two chars. {@link #charOffsets()} converts. A token that holds only a
 * part of a character's UTF-8 bytes spans that whole character.
 */
public final class Encoding {
  private final String text;
  private final long[] ids;
  private final int[][] offsets;

  /**
   * @param ids [n]
   * @param offsets [n][2], start inclusive, end exclusive, in code points of the text
   */
  Encoding(String text, long[] ids, int[][] offsets) {
    if (ids.length != offsets.length) {
      throw new IllegalArgumentException(
          "offsets: want one span per id, " + ids.length + ", got " + offsets.length);
    }
    this.text = text;
    this.ids = ids;
    this.offsets = offsets;
  }

  public String text() {
    return text;
  }

  public int size() {
    return ids.length;
  }

  /** Token ids, [n]; a copy. */
  public long[] ids() {
    return ids.clone();
  }

  /** Spans in code points, [n][2], end exclusive; a copy. */
  public int[][] offsets() {
    return Arrays.stream(offsets).map(int[]::clone).toArray(int[][]::new);
  }

  /** Spans in Java chars, [n][2], end exclusive: what {@link String#substring} takes. */
  public int[][] charOffsets() {
    int[] chars = charIndexOfCodePoint(text);
    return Arrays.stream(offsets)
        .map(span -> new int[] {chars[span[0]], chars[span[1]]})
        .toArray(int[][]::new);
  }

  /** The char index at which each code point starts, [code points + 1]; the last is the length. */
  public static int[] charIndexOfCodePoint(String text) {
    int[] chars = new int[text.codePointCount(0, text.length()) + 1];
    int at = 0;
    for (int i = 0; i < chars.length - 1; i++) {
      chars[i] = at;
      at += Character.charCount(text.codePointAt(at));
    }
    chars[chars.length - 1] = text.length();
    return chars;
  }
}
