package org.grpo4j.torch;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.pytorch.Tensor;

/**
 * Pointers to a tensor's memory that hold a share in it: what JavaCPP's own data pointers lack. The
 * memory stays while such a pointer, or one made from it, is reachable, whatever becomes of the
 * tensor. Closing the pointer, or the PointerScope it was made in, gives the share back and leaves
 * the pointer null, which the kernels refuse.
 */
final class TensorMemory {
  private TensorMemory() {}

  /**
   * Another tensor on the same memory, without the graph that computed it. Retained, so that a
   * PointerScope leaves it to the pointer.
   */
  private static Tensor share(Tensor tensor) {
    return tensor.detach().retainReference();
  }

  /** 0 where there is no element. */
  private static long addressOf(Tensor tensor) {
    Pointer data = tensor.data_ptr();
    return data == null ? 0 : data.address();
  }

  /** All bytes from the tensor's first element on. */
  static BytePointer bytes(Tensor tensor, long count) {
    return new Bytes(tensor).capacity(count);
  }

  /** All elements of a contiguous float32 tensor. */
  static FloatPointer floats(Tensor tensor) {
    return new Floats(tensor).capacity(tensor.numel());
  }

  /** All elements of a contiguous int64 tensor. */
  static LongPointer longs(Tensor tensor) {
    return new Longs(tensor).capacity(tensor.numel());
  }

  // The deallocator is given while the capacity is 0: JavaCPP counts a pointer's bytes then, and
  // the tensor's memory is libtorch's to count.

  private static final class Bytes extends BytePointer {
    Bytes(Tensor tensor) {
      Tensor share = share(tensor);
      address = addressOf(share);
      deallocator(share::close);
    }
  }

  private static final class Floats extends FloatPointer {
    Floats(Tensor tensor) {
      Tensor share = share(tensor);
      address = addressOf(share);
      deallocator(share::close);
    }
  }

  private static final class Longs extends LongPointer {
    Longs(Tensor tensor) {
      Tensor share = share(tensor);
      address = addressOf(share);
      deallocator(share::close);
    }
  }
}
