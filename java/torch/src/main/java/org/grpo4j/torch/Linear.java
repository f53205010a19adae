package org.grpo4j.torch;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * x · weightᵀ + bias.
 *
 * @param weight [out, in]
 * @param bias [out]
 */
record Linear(Tensor weight, @Nullable Tensor bias) {
  Tensor apply(Tensor x) {
    return bias == null ? torch.linear(x, weight) : torch.linear(x, weight, bias);
  }
}
