package org.grpo4j.torch;

import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Grouped-query attention through libtorch's fused kernel, and the masks it takes. */
final class Attention {
  private static final float MASKED = Float.NEGATIVE_INFINITY;

  private Attention() {}

  /**
   * softmax(q·kᵀ/√d + mask)·v.
   *
   * @param query [B·Tq, heads, d]
   * @param key [B, keyValueHeads, Tk, d]
   * @param value [B, keyValueHeads, Tk, d]
   * @param mask 0 or −inf, [B, 1, Tq, Tk]
   * @return [B·Tq, heads·d]
   */
  static Tensor attend(Tensor query, Tensor key, Tensor value, Tensor mask) {
    long batch = key.size(0);
    long keyHeads = key.size(1);
    long rows = query.size(0);
    long heads = query.size(1);
    long dim = query.size(2);
    if (rows == batch) {
      // One query per sequence: the heads that share a key become its rows, nothing is copied.
      Tensor grouped = query.view(batch, keyHeads, heads / keyHeads, dim);
      return fused(grouped, key, value, mask).reshape(rows, heads * dim);
    }
    Tensor q = query.view(batch, rows / batch, heads, dim).transpose(1, 2);
    Tensor out = fused(q, shared(key, heads), shared(value, heads), mask);
    return out.transpose(1, 2).reshape(rows, heads * dim);
  }

  private static Tensor fused(Tensor query, Tensor key, Tensor value, Tensor mask) {
    return torch.scaled_dot_product_attention(
        query, key, value, new TensorOptional(mask), 0, false, new DoubleOptional(), false);
  }

  /** Repeats each key head for the query heads that read it. */
  private static Tensor shared(Tensor key, long heads) {
    long batch = key.size(0);
    long keyHeads = key.size(1);
    if (heads == keyHeads) {
      return key;
    }
    long length = key.size(2);
    long dim = key.size(3);
    return key.unsqueeze(2)
        .expand(batch, keyHeads, heads / keyHeads, length, dim)
        .reshape(batch, heads, length, dim);
  }

  /**
   * Causal attention over left-padded sequences. A padding position sees itself, because a row
   * without any key would be 0/0.
   *
   * @param mask 1 at tokens [B, T], int64
   * @return [B, 1, T, T]
   */
  static Tensor causalMask(Tensor mask) {
    long length = mask.size(1);
    Tensor keys = mask.to(ScalarType.Bool).view(mask.size(0), 1, 1, length);
    Tensor diagonal = square(length).eq(new Scalar(0));
    return additive(keys.logical_and(atOrBefore(length)).logical_or(diagonal));
  }

  /**
   * Completions that see their prompt's tokens and, causally, themselves.
   *
   * @param prefixMask 1 at the prompt's tokens [B, Tp], int64
   * @return [B, 1, length, Tp + length]
   */
  static Tensor prefixMask(Tensor prefixMask, long length) {
    long batch = prefixMask.size(0);
    long prefix = prefixMask.size(1);
    Tensor before =
        additive(prefixMask.to(ScalarType.Bool))
            .view(batch, 1, 1, prefix)
            .expand(batch, 1, length, prefix);
    Tensor own = additive(atOrBefore(length)).view(1, 1, length, length);
    return torch.cat(new TensorVector(before, own.expand(batch, 1, length, length)), 3);
  }

  /** 0 where allowed, −inf elsewhere. */
  static Tensor additive(Tensor allowed) {
    Tensor zeros = torch.zeros(Tensors.shape(allowed));
    return zeros.masked_fill(allowed.logical_not(), new Scalar(MASKED));
  }

  /** Query position minus key position [T, T]. */
  private static Tensor square(long length) {
    Tensor positions = torch.arange(new Scalar(length));
    return positions.unsqueeze(1).sub(positions.unsqueeze(0));
  }

  private static Tensor atOrBefore(long length) {
    return square(length).ge(new Scalar(0));
  }
}
