package org.grpo4j.trainer.data;

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
