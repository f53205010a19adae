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
    return torch.scaled_dot_product_attention(
        query, key, value, new TensorOptional(mask), 0, false, new DoubleOptional(), false);
  }

  /** 0 where allowed, −inf elsewhere. */
  static Tensor additive(Tensor allowed) {
    Tensor zeros = torch.zeros(Tensors.shape(allowed));
    return zeros.masked_fill(allowed.logical_not(), new Scalar(Float.NEGATIVE_INFINITY));
  }
}
