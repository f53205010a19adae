package org.grpo4j.torch;

import java.util.Arrays;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorArrayRefOptional;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.grpo4j.kernels.Backend;
import org.grpo4j.kernels.DType;
import org.grpo4j.kernels.DeviceQueue;
import org.grpo4j.kernels.Logits;
import org.jspecify.annotations.Nullable;

/**
 * libtorch tensors as the kernels' views and arrays: the same memory, nothing is copied.
 *
 * <p>A view holds a share in the tensor's memory, as another tensor on it would: the memory stays
 * while the view is reachable, even when the tensor is closed. A view made in a PointerScope is
 * closed with it; one made outside gives its share back when it is collected, or its pointer is
 * closed. libtorch's pointers know no size, so everything is checked here: dtype, layout, device.
 */
public final class TorchTensors {
  private TorchTensors() {}

  /**
   * A float32, bfloat16 or float16 tensor [..., V] on the CPU as rows of logits (or their
   * gradient): rows = product of the leading sizes.
   *
   * @throws IllegalArgumentException for another dtype, device or layout. The last dimension must
   *     be contiguous; a row stride larger than V (a slice of columns) is allowed for [N, V]
   */
  public static Logits logits(Tensor tensor) {
    return logits(tensor, null);
  }

  /**
   * The same for a tensor on a GPU: operations on it run on the queue's stream, see {@link
   * TorchCuda#queue}. Its arrays come from the methods with a queue.
   */
  public static Logits logits(Tensor tensor, @Nullable DeviceQueue queue) {
    checkUsable("logits", tensor, queue);
    long[] shape = shape(tensor);
    check(shape.length >= 1, "logits have shape []: want [N, V] or [..., V]");
    long vocab = shape[shape.length - 1];
    check(vocab >= 1, "logits have shape %s: want at least one column", Arrays.toString(shape));
    long rows = 1;
    for (int d = 0; d < shape.length - 1; d++) {
      rows *= shape[d];
    }
    long rowStride = vocab;
    if (!tensor.is_contiguous()) {
      check(
          shape.length == 2 && (vocab == 1 || tensor.stride(1) == 1) && tensor.stride(0) >= vocab,
          "logits %s are not contiguous: want contiguous memory, or [N, V] with contiguous rows",
          Arrays.toString(shape));
      rowStride = tensor.stride(0);
    }
    DType dtype = dtype(tensor);
    long elements = rows == 0 ? 0 : (rows - 1) * rowStride + vocab;
    BytePointer data = TensorMemory.bytes(tensor, elements * dtype.bytes());
    return queue == null
        ? Logits.of(data, dtype, rows, vocab, rowStride)
        : Logits.onDevice(queue, data, dtype, rows, vocab, rowStride);
  }

  /** A contiguous float32 tensor of any shape as one array. */
  public static FloatPointer floats(Tensor tensor) {
    return floats(tensor, null);
  }

  /** The same on a GPU: an address there. */
  public static FloatPointer floats(Tensor tensor, @Nullable DeviceQueue queue) {
    checkArray("floats", tensor, ScalarType.Float, queue);
    return TensorMemory.floats(tensor);
  }

  /** A contiguous int64 tensor of any shape as one array. */
  public static LongPointer longs(Tensor tensor) {
    return longs(tensor, null);
  }

  /** The same on a GPU: an address there. */
  public static LongPointer longs(Tensor tensor, @Nullable DeviceQueue queue) {
    checkArray("longs", tensor, ScalarType.Long, queue);
    return TensorMemory.longs(tensor);
  }

  /**
   * Continues the backward pass from the logits: {@code logits.backward(gradient)}. The gradient
   * may be the logits' own memory.
   */
  public static void backward(Tensor logits, Tensor gradient) {
    check(
        Arrays.equals(shape(logits), shape(gradient)),
        "gradient has shape %s: want that of the logits, %s",
        Arrays.toString(shape(gradient)),
        Arrays.toString(shape(logits)));
    check(logits.requires_grad(), "logits do not require a gradient: nothing to propagate to");
    logits.backward(gradient, new BoolOptional(), false, new TensorArrayRefOptional());
  }

  private static DType dtype(Tensor tensor) {
    ScalarType type = tensor.scalar_type().intern();
    return switch (type) {
      case Float -> DType.F32;
      case BFloat16 -> DType.BF16;
      case Half -> DType.F16;
      default ->
          throw new IllegalArgumentException(
              "logits are " + type + ": want Float, BFloat16 or Half");
    };
  }

  private static void checkArray(
      String name, Tensor tensor, ScalarType wanted, @Nullable DeviceQueue queue) {
    checkUsable(name, tensor, queue);
    ScalarType type = tensor.scalar_type().intern();
    check(type == wanted, "%s %s are %s: want %s", name, describe(tensor), type, wanted);
    check(tensor.is_contiguous(), "%s %s are not contiguous", name, describe(tensor));
  }

  /** The emulated device's memory is this process's: it takes tensors of the CPU. */
  private static void checkUsable(String name, Tensor tensor, @Nullable DeviceQueue queue) {
    check(
        tensor != null && !tensor.isNull() && tensor.defined(),
        "%s are null, undefined or closed",
        name);
    if (queue != null && queue.backend() == Backend.CUDA) {
      check(
          TorchDevice.of(tensor).equals(new TorchDevice(TorchDevice.Kind.CUDA, queue.device())),
          "%s are on %s: want the queue's device, cuda:%d",
          name,
          TorchDevice.of(tensor),
          queue.device());
      check(
          TorchCuda.isCurrent(queue),
          "%s: libtorch's current stream is no longer the queue's; make a queue for the new one",
          name);
    } else {
      check(tensor.is_cpu(), "%s are on another device: want the CPU, or a queue there", name);
    }
  }

  private static String describe(Tensor tensor) {
    return Arrays.toString(shape(tensor));
  }

  private static long[] shape(Tensor tensor) {
    return tensor.shape();
  }

  @SuppressWarnings("AnnotateFormatMethod") // its annotation would be a dependency of its own
  private static void check(boolean condition, String message, Object... values) {
    if (!condition) {
      throw new IllegalArgumentException(String.format(message, values));
    }
  }
}
