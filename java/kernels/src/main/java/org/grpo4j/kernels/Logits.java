package org.grpo4j.kernels;

import static org.grpo4j.kernels.Arguments.check;

import java.lang.ref.Reference;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.ShortPointer;
import org.jspecify.annotations.Nullable;

/**
 * A view of a matrix [rows, vocab] in memory that someone else owns: logits, or their gradient.
 *
 * <p>Nothing is copied. The view keeps the pointer or buffer reachable, but closing that pointer
 * while a call runs is the caller's mistake to avoid. Row r starts at element r × rowStride.
 */
public final class Logits {
  /** Elements from the start of one row to that of the next, and what lies there. */
  private record Layout(DType dtype, long rows, long vocab, long rowStride) {
    Layout {
      Arguments.present("dtype", dtype);
      check(rows >= 0 && vocab >= 1, "logits have shape [%d, %d]: want [>= 0, >= 1]", rows, vocab);
      check(rowStride >= vocab, "rowStride is %d: want at least vocab = %d", rowStride, vocab);
      check(
          rows == 0 || rowStride <= Long.MAX_VALUE / 8 / rows,
          "logits have shape [%d, %d] with row stride %d: want a matrix that memory can hold",
          rows,
          vocab,
          rowStride);
    }

    long bytes() {
      return rows == 0 ? 0 : ((rows - 1) * rowStride + vocab) * dtype.bytes();
    }
  }

  private final Pointer data;
  private final long address; // of the first element: the pointer's position may move later
  private final Layout layout;
  private final boolean writable;
  private final @Nullable DeviceQueue queue;

  private Logits(Pointer data, Layout layout, boolean writable, @Nullable DeviceQueue queue) {
    this.data = data;
    this.address = data.address() + data.position() * data.sizeof();
    this.layout = layout;
    this.writable = writable;
    this.queue = queue;
  }

  /** Contiguous rows, from the pointer's position on. */
  public static Logits of(Pointer data, DType dtype, long rows, long vocab) {
    return of(data, dtype, rows, vocab, vocab);
  }

  /**
   * Rows that lie rowStride elements apart, from the pointer's position on.
   *
   * @param data a pointer whose limit covers the matrix; set capacity and limit first on a pointer
   *     of unknown size
   * @throws IllegalArgumentException if the pointer is null or closed, its element type is not
   *     dtype's, or it ends before the matrix does
   */
  public static Logits of(Pointer data, DType dtype, long rows, long vocab, long rowStride) {
    return checked(data, new Layout(dtype, rows, vocab, rowStride), true);
  }

  private static Logits checked(@Nullable Pointer data, Layout layout, boolean writable) {
    if (data == null || (layout.rows > 0 && data.isNull())) {
      throw Arguments.invalid("data is null or closed: want [%d, %d]", layout.rows, layout.vocab);
    }
    if (!canHold(data, layout.dtype)) {
      throw Arguments.invalid(
          "data is a %s, whose elements are not %s: want a %s, or bytes (BytePointer, Pointer)",
          data.getClass().getSimpleName(),
          layout.dtype,
          layout.dtype == DType.F32 ? "FloatPointer" : "ShortPointer");
    }
    long given = Arguments.remaining("data", data) * data.sizeof();
    check(
        given >= layout.bytes(),
        "data holds %d bytes: want %d for [%d, %d] %s with row stride %d",
        given,
        layout.bytes(),
        layout.rows,
        layout.vocab,
        layout.dtype,
        layout.rowStride);
    return new Logits(data, layout, writable, null);
  }

  /** Bytes may be anything; JavaCPP's half floats are in ShortPointers. */
  private static boolean canHold(Pointer data, DType dtype) {
    return data instanceof BytePointer
        || data.getClass() == Pointer.class
        || (dtype == DType.F32 ? data instanceof FloatPointer : data instanceof ShortPointer);
  }

  /**
   * The same rows where their memory is a device's: operations on them run on the queue's stream,
   * and take device pointers in all their arguments.
   *
   * @param data a device pointer with limit, as in {@link #of(Pointer, DType, long, long, long)},
   *     at a multiple of the element's size: on a device anything else is a fault
   */
  public static Logits onDevice(
      DeviceQueue queue, Pointer data, DType dtype, long rows, long vocab, long rowStride) {
    Arguments.present("queue", queue);
    Logits host = of(data, dtype, rows, vocab, rowStride);
    check(
        host.address % dtype.bytes() == 0,
        "data begins between two elements: want it at a multiple of %s bytes",
        dtype.bytes());
    return new Logits(host.data, host.layout, true, queue);
  }

  /**
   * A copy of an array on the Java heap, in native memory of its own that the garbage collector
   * frees: for convenience, not for speed. {@link #copyTo} brings values back.
   *
   * @param values [rows · vocab]
   */
  public static Logits copyOf(float[] values, long rows, long vocab) {
    checkLength(values, rows, vocab);
    return of(new FloatPointer(values), DType.F32, rows, vocab);
  }

  /**
   * Copies contiguous f32 rows to the Java heap.
   *
   * @param values [rows · vocab]
   */
  public void copyTo(float[] values) {
    check(queue == null, "logits are on a device: copy its memory instead");
    check(
        dtype() == DType.F32 && rowStride() == vocab(),
        "logits are %s with row stride %s: want contiguous F32",
        dtype(),
        rowStride());
    checkLength(values, rows(), vocab());
    check(rows() == 0 || !data.isNull(), "logits were closed: want %s", describe());
    try {
      if (values.length > 0) {
        new FloatPointer(new NativeCalls.Address(address)).get(values);
      }
    } finally {
      Reference.reachabilityFence(data);
    }
  }

  private static void checkLength(float[] values, long rows, long vocab) {
    Arguments.present("values", values);
    // Divided, not multiplied: a product can overflow to the right number.
    check(
        vocab >= 1 && values.length % vocab == 0 && values.length / vocab == rows,
        "values has %s elements: want %s x %s",
        values.length,
        rows,
        vocab);
  }

  /** Contiguous rows in a direct buffer, from its position on. */
  public static Logits of(Buffer direct, DType dtype, long rows, long vocab) {
    return of(direct, dtype, rows, vocab, vocab);
  }

  /**
   * Rows that lie rowStride elements apart in a direct buffer, from its position on.
   *
   * @param direct a direct ByteBuffer, FloatBuffer or ShortBuffer in native byte order; one that is
   *     read-only can't be a gradient
   */
  public static Logits of(Buffer direct, DType dtype, long rows, long vocab, long rowStride) {
    check(
        Arguments.present("buffer", direct).isDirect(),
        "buffer is on the Java heap: want a direct buffer");
    Layout layout = new Layout(dtype, rows, vocab, rowStride);
    return checked(pointer(direct), layout, !direct.isReadOnly());
  }

  private static Pointer pointer(Buffer direct) {
    if (direct instanceof ByteBuffer bytes) {
      checkOrder(bytes.order()); // the order in which the caller's own putFloat writes
      return within(new BytePointer(bytes.duplicate().clear()), bytes);
    }
    if (direct instanceof FloatBuffer floats) {
      checkOrder(floats.order());
      return within(new FloatPointer(floats.duplicate().clear()), floats);
    }
    if (direct instanceof ShortBuffer shorts) {
      checkOrder(shorts.order());
      return within(new ShortPointer(shorts.duplicate().clear()), shorts);
    }
    throw Arguments.invalid(
        "buffer is a %s: want a ByteBuffer, FloatBuffer or ShortBuffer",
        direct.getClass().getSimpleName());
  }

  /**
   * A pointer to a whole buffer, from the buffer's position to its limit. (JavaCPP 1.5.13 takes the
   * position of a float or short buffer as bytes when it computes the address.)
   */
  private static Pointer within(Pointer whole, Buffer buffer) {
    return whole.position(buffer.position()).limit(buffer.limit());
  }

  private static void checkOrder(ByteOrder order) {
    check(
        order == ByteOrder.nativeOrder(),
        "buffer is in byte order %s: want %s",
        order,
        ByteOrder.nativeOrder());
  }

  public DType dtype() {
    return layout.dtype;
  }

  public long rows() {
    return layout.rows;
  }

  public long vocab() {
    return layout.vocab;
  }

  /** Elements from the start of one row to the start of the next. */
  public long rowStride() {
    return layout.rowStride;
  }

  /** Where operations on these logits run; null: host memory. */
  @Nullable DeviceQueue queue() {
    return queue;
  }

  /** Whether a gradient may be written there. */
  boolean writable() {
    return writable;
  }

  boolean sameShape(Logits other) {
    return dtype() == other.dtype() && rows() == other.rows() && vocab() == other.vocab();
  }

  String describe() {
    return String.format("[%d, %d] %s", rows(), vocab(), dtype());
  }

  boolean sameMemory(Logits other) {
    return address == other.address;
  }

  /** Whether both views are the same memory with the same layout, or share no byte. */
  boolean sameOrDisjoint(Logits other) {
    if (address == other.address) {
      return rowStride() == other.rowStride();
    }
    return end() <= other.address || other.end() <= address;
  }

  long address() {
    return address;
  }

  /** One past the last byte. */
  long end() {
    return address + layout.bytes();
  }

  void describeTo(ByteBuffer to, int at) {
    if (rows() != 0 && data.isNull()) {
      throw Arguments.invalid("logits were closed: want %s", describe());
    }
    to.putLong(at + Struct.Matrix.DATA, address)
        .putInt(at + Struct.Matrix.DTYPE, dtype().code())
        .putLong(at + Struct.Matrix.ROWS, rows())
        .putLong(at + Struct.Matrix.VOCAB, vocab())
        .putLong(at + Struct.Matrix.ROW_STRIDE, rowStride());
  }
}
