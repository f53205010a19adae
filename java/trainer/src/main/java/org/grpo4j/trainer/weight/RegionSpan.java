package org.grpo4j.trainer.weight;

/**
 * A stretch of a completion's text.
 *
 * @param region what it is
 * @param start its first code point
 * @param end the code point after its last; may equal start
 */
public record RegionSpan(Region region, int start, int end) {
  public RegionSpan {
    if (start < 0 || end < start) {
      throw new IllegalArgumentException("span [" + start + ", " + end + ") is not a stretch");
    }
  }
}
