package org.grpo4j.trainer.weight;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Collects the spans of a text, given in UTF-16 units. */
final class SpanList {
  private final String text;
  private final List<RegionSpan> list = new ArrayList<>();
  private final int[] codePointAt;

  SpanList(String text) {
    this.text = text;
    codePointAt = new int[text.length() + 1];
    for (int i = 0, n = 0; i < text.length(); n++) {
      int next = i + Character.charCount(text.codePointAt(i));
      // Both halves of a pair are the same code point.
      java.util.Arrays.fill(codePointAt, i, next, n);
      codePointAt[next] = n + 1;
      i = next;
    }
  }

  void add(Region region, int start, int end) {
    list.add(new RegionSpan(region, codePointAt[start], codePointAt[end]));
  }

  /**
   * Adds the tags of every closed block.
   *
   * @param name of the tag
   * @param inside region of what is between the tags, null for none
   */
  void addBlocks(String name, @Nullable Region inside) {
    String open = "<" + name + ">";
    String close = "</" + name + ">";
    int from = 0;
    while (true) {
      int start = text.indexOf(open, from);
      int end = start < 0 ? -1 : text.indexOf(close, start + open.length());
      if (end < 0) {
        return;
      }
      add(Region.FORMAT, start, start + open.length());
      add(Region.FORMAT, end, end + close.length());
      if (inside != null) {
        add(inside, start + open.length(), end);
      }
      from = end + close.length();
    }
  }

  List<RegionSpan> list() {
    return list;
  }
}
