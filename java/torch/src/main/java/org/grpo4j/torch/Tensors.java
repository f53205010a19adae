package org.grpo4j.torch;

import java.util.Arrays;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.LayoutOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Short forms of libtorch calls. Results belong to the caller's innermost PointerScope. */
final class Tensors {
  private Tensors() {}

  static Tensor empty(ScalarType type, long... shape) {
    return torch.empty(
        shape,
        new ScalarTypeOptional(type),
        new LayoutOptional(),
        new DeviceOptional(),
        new BoolOptional(),
        new MemoryFormatOptional());
  }

  /** A new int64 tensor of this shape. */
  static Tensor longs(long[] values, long... shape) {
    return torch.tensor(values).view(shape);
  }

  static Tensor longs(int[] values) {
    long[] wide = new long[values.length];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i];
    }
    return longs(wide, wide.length);
  }

  static long[] toLongs(Tensor tensor) {
    Tensor contiguous = tensor.contiguous();
    long[] values = new long[Math.toIntExact(contiguous.numel())];
    contiguous.data_ptr_long().get(values);
    return values;
  }

  /**
   * Rows of a matrix. The same as index_select, but with a gradient that adds whole rows instead of
   * calling one operation per row.
   *
   * @param rows [n], int64
   */
  static Tensor gather(Tensor matrix, Tensor rows) {
    return torch.embedding(matrix, rows);
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
