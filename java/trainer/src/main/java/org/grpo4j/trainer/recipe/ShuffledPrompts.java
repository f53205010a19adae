package org.grpo4j.trainer.recipe;

import java.util.List;
import org.grpo4j.trainer.data.RenderedPrompt;

/** The rows of a file, in a new order for each pass. */
final class ShuffledPrompts implements PromptSource {
  private final List<RenderedPrompt> rows;
  private final ShuffledOrder order;

  ShuffledPrompts(List<RenderedPrompt> rows, long seed) {
    this.rows = List.copyOf(rows);
    this.order = new ShuffledOrder(rows.size(), seed);
  }

  @Override
  public RenderedPrompt at(long index) {
    return rows.get(order.at(index));
  }

  @Override
  public long size() {
    return rows.size();
  }
}
