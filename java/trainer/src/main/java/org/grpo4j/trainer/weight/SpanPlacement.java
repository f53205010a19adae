package org.grpo4j.trainer.weight;

/** Which tokens a span of text covers. */
public enum SpanPlacement {
  /**
   * ResT's release: from the first token that starts at or after the span to, exclusively, the
   * first token that ends at or after the span's end, and at least one token. It leaves out the
   * span's last token unless it is the only one. There is no such token where no token starts at or
   * after the span; the release's program ends there.
   */
  RELEASE {
    @Override
    int[] place(int[][] offsets, RegionSpan span) {
      int first = 0;
      while (first < offsets.length && offsets[first][0] < span.start()) {
        first++;
      }
      int end = 0;
      while (end < offsets.length && offsets[end][1] < span.end()) {
        end++;
      }
      return first == offsets.length ? UNPLACED : new int[] {first, Math.max(first + 1, end)};
    }
  },

  /** Every token that shares a code point with the span. */
  COVERING {
    @Override
    int[] place(int[][] offsets, RegionSpan span) {
      int first = 0;
      while (first < offsets.length && offsets[first][1] <= span.start()) {
        first++;
      }
      int end = first;
      // An empty span shares no code point, not even with a token around it.
      while (end < offsets.length && offsets[end][0] < span.end() && span.start() < span.end()) {
        end++;
      }
      return new int[] {first, end};
    }
  };

  /** No place: distinct from an empty range. */
  static final int[] UNPLACED = new int[0];

  /**
   * The half-open range of tokens of a span.
   *
   * @param offsets [n][2] each token's first code point and the one after its last
   * @return first and end, or {@link #UNPLACED}
   */
  abstract int[] place(int[][] offsets, RegionSpan span);
}
