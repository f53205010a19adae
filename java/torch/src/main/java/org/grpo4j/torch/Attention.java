package org.grpo4j.torch;

import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/** Attention through libtorch's fused kernel, and the form of mask it takes. */
final class Attention {
  private Attention() {}

  /**
   * softmax(q·kᵀ/√d + mask)·v.
   *
   * <p>Not written with matmul: without MKL libtorch multiplies batches one matrix at a time.
   *
   * @param query [B, heads, Tq, d]
   * @param key [B, heads, Tk, d]
   * @param value [B, heads, Tk, d]
   * @param mask broadcast to [B, heads, Tq, Tk]
   * @return [B, heads, Tq, d]
   */
  static Tensor fused(Tensor query, Tensor key, Tensor value, Tensor mask) {
    if (query.is_meta()) {
      // libtorch's own has no form for it; these two meet the same tensors and have the same shape.
      return torch.softmax(query.matmul(key.transpose(2, 3)).add(mask), -1).matmul(value);
    }
    return torch.scaled_dot_product_attention(
        query, key, value, new TensorOptional(mask), 0, false, new DoubleOptional(), false);
  }

  /** −inf where masked, 0 elsewhere. */
  static Tensor additive(Tensor masked) {
    Tensor zeros = Tensors.zeros(TorchDevice.of(masked), Tensors.shape(masked));
    return zeros.masked_fill(masked, new Scalar(Float.NEGATIVE_INFINITY));
  }
}
