package org.grpo4j.torch;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Rotary position embedding as one complex multiplication.
 *
 * <p>Checkpoints rotate element i of a head with element i + d/2 (RoFormer, arXiv 2104.09864, in
 * the halves layout of transformers). Here the two stand side by side: {@link #interleave} reorders
 * the few rows of the projections' weights, and q and k, which share the new order, have the same
 * products. Five times faster than rotate-half as neg, cat, two products and a sum.
 */
final class RotaryEmbedding implements AutoCloseable {
  private static final int FIRST_LENGTH = 512;

  private final int headDim;
  private final TorchDevice device;
  private final float[] inverseFrequencies;
  private Tensor table;

  RotaryEmbedding(RopeConfig config, int headDim, TorchDevice device) {
    this.headDim = headDim;
    this.device = device;
    double[] inverse = config.inverseFrequencies(headDim);
    inverseFrequencies = new float[inverse.length];
    for (int i = 0; i < inverse.length; i++) {
      inverseFrequencies[i] = (float) inverse[i];
    }
    table = makeTable(FIRST_LENGTH);
  }

  /**
   * The rotations of some positions, to be given to {@link #rotate}.
   *
   * @param positions [N], int64, each below {@code length}
   * @return complex [N, 1, d/2]
   */
  Tensor rotations(Tensor positions, long length) {
    ensure(length);
    return Tensors.select(table, positions).unsqueeze(1);
  }

  /**
   * Moves the elements that are rotated together next to each other.
   *
   * @param heads some heads of d elements, the elements of each in the halves layout
   * @param elementSize numbers in an element: 1, or the width of a weight whose rows they are
   * @return the same shape
   */
  Tensor interleave(Tensor heads, long elementSize) {
    return heads
        .reshape(-1, 2, headDim / 2, elementSize)
        .transpose(1, 2)
        .reshape(Tensors.shape(heads));
  }

  /**
   * Rotates heads.
   *
   * @param heads [N, h, d], interleaved, contiguous
   * @return the same shape
   */
  Tensor rotate(Tensor heads, Tensor rotations) {
    long rows = heads.size(0);
    long count = heads.size(1);
    Tensor pairs = torch.view_as_complex(heads.view(rows, count, headDim / 2, 2));
    return torch.view_as_real(pairs.mul(rotations)).view(rows, count, headDim);
  }

  private synchronized void ensure(long length) {
    long have = table.size(0);
    if (length > have) {
      Tensor old = table;
      table = makeTable(Math.max(length, 2 * have));
      old.close();
    }
  }

  /** Angles in fp32, as transformers computes them: position × inverse frequency. */
  private Tensor makeTable(long length) {
    try (PointerScope scope = new PointerScope()) {
      int pairs = inverseFrequencies.length;
      float[] angles = new float[Math.toIntExact(length * pairs)];
      for (int position = 0; position < length; position++) {
        for (int i = 0; i < pairs; i++) {
          angles[position * pairs + i] = position * inverseFrequencies[i];
        }
      }
      Tensor angle = Tensors.floats(TorchDevice.CPU, angles, length, pairs);
      // The host computes sine and cosine: the same table on every device.
      return device.move(torch.polar(torch.ones_like(angle), angle)).retainReference();
    }
  }

  @Override
  public void close() {
    table.close();
  }
}
