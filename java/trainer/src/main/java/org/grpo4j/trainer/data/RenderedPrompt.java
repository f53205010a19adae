package org.grpo4j.trainer.data;

import java.util.Arrays;

/** A prompt as the model sees it. */
public final class RenderedPrompt {
  private final Example example;
  private final String text;
  private final long[] ids;

  RenderedPrompt(Example example, String text, long[] ids) {
    this.example = example;
    this.text = text;
    this.ids = ids;
  }

  /**
   * The same prompt with more of its conversation behind its ids; its text stays the prompt's.
   *
   * @param moreIds what follows
   */
  public RenderedPrompt followedBy(long[] moreIds) {
    long[] all = Arrays.copyOf(ids, ids.length + moreIds.length);
    System.arraycopy(moreIds, 0, all, ids.length, moreIds.length);
    return new RenderedPrompt(example, text, all);
  }

  public Example example() {
    return example;
  }

  public String text() {
    return text;
  }

  /** Token ids, [n], n at least 1; a copy. */
  public long[] ids() {
    return ids.clone();
  }

  public int length() {
    return ids.length;
  }
}
