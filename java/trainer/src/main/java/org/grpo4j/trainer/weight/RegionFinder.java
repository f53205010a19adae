package org.grpo4j.trainer.weight;

import java.util.List;

/**
 * Finds the regions of a completion. Spans may overlap and come in any order. A class of your own,
 * public with a public no-argument constructor, is used by its name in {@code rest_regions}.
 */
public interface RegionFinder {
  /**
   * The spans of a text.
   *
   * @param text a completion, possibly broken or cut off
   * @return spans in Unicode code points
   */
  List<RegionSpan> find(String text);
}
