package org.grpo4j.torch;

import org.bytedeco.pytorch.Tensor;

/**
 * Prompts and which of them each completion continues.
 *
 * @param ids token ids [P, Tp], int64, left padded
 * @param mask 1 at tokens, 0 at padding [P, Tp], int64
 * @param promptOf row of {@code ids} that each completion continues [B], int64
 */
public record PromptBatch(Tensor ids, Tensor mask, Tensor promptOf) {
  public PromptBatch {
    Tensors.requireLongMatrix("ids", ids);
    Tensors.requireLongMatrix("mask", mask);
    Tensors.requireShape("mask", mask, ids.size(0), ids.size(1));
    Tensors.requireLongVector("promptOf", promptOf);
  }

  /** P, the number of different prompts. */
  public long prompts() {
    return ids.size(0);
  }

  /** B, the number of completions. */
  public long completions() {
    return promptOf.size(0);
  }
}
