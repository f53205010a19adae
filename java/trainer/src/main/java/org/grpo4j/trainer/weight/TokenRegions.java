package org.grpo4j.trainer.weight;

import java.util.ArrayList;
import java.util.List;

/**
 * The regions of a completion's tokens.
 *
 * @param regions [n] of each token, by the order of {@link Region} where spans overlap
 * @param placed the spans that have tokens
 * @param unplaced spans that the placement can't put on any token
 */
public record TokenRegions(
    List<Region> regions, List<TokenSpan> placed, List<RegionSpan> unplaced) {

  /**
   * A region's stretch of tokens.
   *
   * @param first its first token
   * @param end the token after its last
   */
  public record TokenSpan(Region region, int first, int end) {}

  /**
   * Finds the regions of a text and puts them on its tokens.
   *
   * @param offsets [n][2] each token's first code point and the one after its last
   */
  public static TokenRegions of(
      String text, int[][] offsets, RegionFinder finder, SpanPlacement placement) {
    Region[] regions = new Region[offsets.length];
    java.util.Arrays.fill(regions, Region.OTHER);
    List<TokenSpan> placed = new ArrayList<>();
    List<RegionSpan> unplaced = new ArrayList<>();
    for (RegionSpan span : finder.find(text)) {
      int[] range = placement.place(offsets, span);
      if (range == SpanPlacement.UNPLACED) {
        unplaced.add(span);
        continue;
      }
      placed.add(new TokenSpan(span.region(), range[0], range[1]));
      for (int t = range[0]; t < range[1]; t++) {
        if (span.region().compareTo(regions[t]) > 0) {
          regions[t] = span.region();
        }
      }
    }
    return new TokenRegions(List.of(regions), List.copyOf(placed), List.copyOf(unplaced));
  }

  /**
   * Every region that each token lies in, as the kernel library takes them.
   *
   * @return [n] bit k is set where a span of the region of bit k covers the token, and {@link
   *     Region#OTHER}'s where no span does
   */
  public byte[] sets() {
    byte[] sets = new byte[regions.size()];
    for (TokenSpan span : placed) {
      for (int t = span.first(); t < span.end(); t++) {
        sets[t] |= (byte) (1 << span.region().bit());
      }
    }
    for (int t = 0; t < sets.length; t++) {
      if (sets[t] == 0) {
        sets[t] = (byte) (1 << Region.OTHER.bit());
      }
    }
    return sets;
  }
}
