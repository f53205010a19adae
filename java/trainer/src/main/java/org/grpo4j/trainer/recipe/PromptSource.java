package org.grpo4j.trainer.recipe;

import org.grpo4j.trainer.data.RenderedPrompt;

/** Training prompts in the order in which a run draws them. */
interface PromptSource {
  /** The prompt of a draw, the same for the same index. */
  RenderedPrompt at(long index);

  /** Prompts in one pass, which {@code num_train_epochs} multiplies. */
  long size();
}
