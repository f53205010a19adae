package org.grpo4j.torch;

import java.util.Arrays;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.LayoutOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Short forms of libtorch calls. Results belong to the caller's innermost PointerScope. */
final class Tensors {
  private Tensors() {}

  static Tensor empty(TorchDevice device, ScalarType type, long... shape) {
    return torch.empty(
        shape,
        new ScalarTypeOptional(type),
        new LayoutOptional(),
        device.optional(),
        new BoolOptional(),
        new MemoryFormatOptional());
  }

  /** Zeros in fp32. */
  static Tensor zeros(TorchDevice device, long... shape) {
    return torch.zeros(
        shape,
        new ScalarTypeOptional(),
        new LayoutOptional(),
        device.optional(),
        new BoolOptional());
  }

  /** 0 to end − 1, int64. */
  static Tensor range(TorchDevice device, long end) {
    return torch.arange(
        new Scalar(end),
        new ScalarTypeOptional(),
        new LayoutOptional(),
        device.optional(),
        new BoolOptional());
  }

  /** A new int64 tensor of this shape. */
  static Tensor longs(TorchDevice device, long[] values, long... shape) {
    return device.move(torch.tensor(values).view(shape));
  }

  /** A new fp32 tensor of this shape. */
  static Tensor floats(TorchDevice device, float[] values, long... shape) {
    return device.move(torch.tensor(values).view(shape));
  }

  static Tensor longs(TorchDevice device, int[] values) {
    long[] wide = new long[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return longs(device, wide, wide.length);
  }

  /** The values on the host; from a GPU a copy, which waits for what computes them. */
  static long[] toLongs(Tensor tensor) {
    Tensor contiguous = tensor.cpu().contiguous();
    long[] values = new long[Math.toIntExact(contiguous.numel())];
    TensorMemory.longs(contiguous).get(values);
    return values;
  }

  /**
   * Rows of a matrix. The same as index_select, but with a gradient that adds whole rows instead of
   * calling one operation per row.
   *
   * @param rows [n], int64
   */
  static Tensor gather(Tensor matrix, Tensor rows) {
    return onSameDevice(matrix, rows) ? torch.embedding(matrix, rows) : shaped(matrix, rows);
  }

  /**
   * Parts of the first dimension, without the fast gradient of {@link #gather}.
   *
   * @param indices [n], int64
   */
  static Tensor select(Tensor tensor, Tensor indices) {
    return onSameDevice(tensor, indices)
        ? tensor.index_select(0, indices)
        : shaped(tensor, indices);
  }

  /** Whether both have memory, on one device; false: neither has. */
  private static boolean onSameDevice(Tensor tensor, Tensor rows) {
    TorchDevice device = TorchDevice.of(tensor);
    if (!device.equals(TorchDevice.of(rows))) {
      throw new IllegalArgumentException(
          "rows: given on " + TorchDevice.of(rows) + ", wanted on " + device + " like the tensor");
    }
    return !device.equals(TorchDevice.META);
  }

  /** libtorch gathers nothing on the meta device: the first part has the shape of any. */
  private static Tensor shaped(Tensor tensor, Tensor rows) {
    long[] shape = shape(tensor);
    shape[0] = rows.size(0);
    return tensor.narrow(0, 0, 1).expand(shape).contiguous();
  }

  static long[] shape(Tensor tensor) {
    long[] shape = new long[(int) tensor.dim()];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = tensor.size(i);
    }
    return shape;
  }

  /** Refuses a tensor that is not an int64 matrix. */
  static void requireLongMatrix(String name, Tensor tensor) {
    if (tensor.dim() != 2 || tensor.scalar_type().intern() != ScalarType.Long) {
      throw new IllegalArgumentException(
          name + ": given " + describe(tensor) + ", wanted a matrix of Long");
    }
  }

  /** Refuses a tensor that is not an int64 vector. */
  static void requireLongVector(String name, Tensor tensor) {
    if (tensor.dim() != 1 || tensor.scalar_type().intern() != ScalarType.Long) {
      throw new IllegalArgumentException(
          name + ": given " + describe(tensor) + ", wanted a vector of Long");
    }
  }

  static void requireShape(String name, Tensor tensor, long... wanted) {
    if (!Arrays.equals(shape(tensor), wanted)) {
      throw new IllegalArgumentException(
          name
              + ": given shape "
              + Arrays.toString(shape(tensor))
              + ", wanted "
              + Arrays.toString(wanted));
    }
  }

  static String describe(Tensor tensor) {
    return tensor.scalar_type() + Arrays.toString(shape(tensor));
  }
}
