package org.grpo4j.kernels;

import static org.grpo4j.kernels.Arguments.check;

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
  private final Pointer data;
  private final DType dtype;
  private final long rows;
  private final long vocab;
  private final long rowStride;
  private final @Nullable DeviceQueue queue;

  private Logits(
      Pointer data,
      DType dtype,
      long rows,
      long vocab,
      long rowStride,
      @Nullable DeviceQueue queue) {
    this.data = data;
    this.dtype = dtype;
    this.rows = rows;
    this.vocab = vocab;
    this.rowStride = rowStride;
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
    check(rows >= 0 && vocab >= 1, "logits have shape [%d, %d]: want [>= 0, >= 1]", rows, vocab);
    check(rowStride >= vocab, "rowStride is %d: want at least vocab = %d", rowStride, vocab);
    check(rows == 0 || !data.isNull(), "data is null or closed: want [%d, %d]", rows, vocab);
    check(
        !(data instanceof FloatPointer && dtype != DType.F32)
            && !(data instanceof ShortPointer && dtype == DType.F32),
        "data is a %s, whose elements are not %s",
        data.getClass().getSimpleName(),
        dtype);
    long elements = rows == 0 ? 0 : Math.addExact(Math.multiplyExact(rows - 1, rowStride), vocab);
    long wanted = Math.multiplyExact(elements, dtype.bytes());
    long given = Arguments.remaining(data) * data.sizeof();
    check(
        given >= wanted,
        "data holds %d bytes: want %d for [%d, %d] %s with row stride %d",
        given,
        wanted,
        rows,
        vocab,
        dtype,
        rowStride);
    return new Logits(data, dtype, rows, vocab, rowStride, null);
  }

  /**
   * The same rows where their memory is a device's: operations on them run on the queue's stream,
   * and take device pointers in all their arguments.
   *
   * @param data a device pointer with limit, as in {@link #of(Pointer, DType, long, long, long)}
   */
  public static Logits onDevice(
      DeviceQueue queue, Pointer data, DType dtype, long rows, long vocab, long rowStride) {
    return of(data, dtype, rows, vocab, rowStride).on(queue);
  }

  /**
   * A copy of an array on the Java heap, in native memory of its own that the garbage collector
   * frees: for convenience, not for speed. {@link #copyTo} brings values back.
   *
   * @param values [rows · vocab]
   */
  public static Logits copyOf(float[] values, long rows, long vocab) {
    check(
        values.length == rows * vocab,
        "values has %s elements: want %s x %s",
        values.length,
        rows,
        vocab);
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
        dtype == DType.F32 && rowStride == vocab,
        "logits are %s with row stride %s: want contiguous F32",
        dtype,
        rowStride);
    check(
        values.length == rows * vocab,
        "values has %s elements: want %s x %s",
        values.length,
        rows,
        vocab);
    if (values.length > 0) {
      new FloatPointer(new NativeCalls.Address(address())).get(values);
    }
  }

  /** Contiguous rows in a direct buffer, from its position on. */
  public static Logits of(Buffer direct, DType dtype, long rows, long vocab) {
    return of(direct, dtype, rows, vocab, vocab);
  }

  /**
   * Rows that lie rowStride elements apart in a direct buffer, from its position on.
   *
   * @param direct a direct ByteBuffer, FloatBuffer or ShortBuffer in native byte order
   */
  public static Logits of(Buffer direct, DType dtype, long rows, long vocab, long rowStride) {
    check(direct.isDirect(), "buffer is on the Java heap: want a direct buffer");
    if (direct instanceof ByteBuffer bytes) {
      return of(
          within(new BytePointer(bytes.duplicate().clear()), bytes), dtype, rows, vocab, rowStride);
    }
    if (direct instanceof FloatBuffer floats) {
      checkOrder(floats.order());
      return of(
          within(new FloatPointer(floats.duplicate().clear()), floats),
          dtype,
          rows,
          vocab,
          rowStride);
    }
    if (direct instanceof ShortBuffer shorts) {
      checkOrder(shorts.order());
      return of(
          within(new ShortPointer(shorts.duplicate().clear()), shorts),
          dtype,
          rows,
          vocab,
          rowStride);
    }
    throw new IllegalArgumentException(
        "buffer is a "
            + direct.getClass().getSimpleName()
            + ": want a ByteBuffer, FloatBuffer or ShortBuffer");
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
    return dtype;
  }

  public long rows() {
    return rows;
  }

  public long vocab() {
    return vocab;
  }

  /** Elements from the start of one row to the start of the next. */
  public long rowStride() {
    return rowStride;
  }

  private Logits on(DeviceQueue where) {
    return new Logits(data, dtype, rows, vocab, rowStride, where);
  }

  /** Where operations on these logits run; null: host memory. */
  @Nullable DeviceQueue queue() {
    return queue;
  }

  boolean sameShape(Logits other) {
    return dtype == other.dtype && rows == other.rows && vocab == other.vocab;
  }

  String describe() {
    return String.format("[%d, %d] %s", rows, vocab, dtype);
  }

  boolean sameMemory(Logits other) {
    return address() == other.address();
  }

  /** Whether both views are the same memory with the same layout, or share no byte. */
  boolean sameOrDisjoint(Logits other) {
    if (address() == other.address()) {
      return rowStride == other.rowStride;
    }
    return end() <= other.address() || other.end() <= address();
  }

  private long address() {
    return data.address() + data.position() * data.sizeof();
  }

  private long end() {
    return address() + (rows == 0 ? 0 : ((rows - 1) * rowStride + vocab) * dtype.bytes());
  }

  void describeTo(ByteBuffer to, int at) {
    if (rows != 0 && data.isNull()) {
      throw Arguments.invalid("logits were closed: want %s", describe());
    }
    to.putLong(at + Struct.Matrix.DATA, address())
        .putInt(at + Struct.Matrix.DTYPE, dtype.code())
        .putLong(at + Struct.Matrix.ROWS, rows)
        .putLong(at + Struct.Matrix.VOCAB, vocab)
        .putLong(at + Struct.Matrix.ROW_STRIDE, rowStride);
  }
}
