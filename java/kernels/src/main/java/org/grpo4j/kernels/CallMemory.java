package org.grpo4j.kernels;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Supplier;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The native arguments and results of one call, taken from a few that wait for reuse: allocating
 * them took longer than a small call. Not bound to a thread, so virtual threads leave none behind.
 */
final class CallMemory<A extends Pointer, R extends Pointer> implements AutoCloseable {

  /** What one operation's calls share. */
  static final class Pool<A extends Pointer, R extends Pointer> {
    private static final int SLOTS = 16;

    private final AtomicReferenceArray<CallMemory<A, R>> waiting =
        new AtomicReferenceArray<>(SLOTS);
    private final Supplier<A> args;
    private final Supplier<R> result;

    Pool(Supplier<A> args, Supplier<R> result) {
      this.args = args;
      this.result = result;
    }

    /** Memory for one call, to be closed after it. */
    CallMemory<A, R> take() {
      int slot = (int) (Thread.currentThread().getId() & (SLOTS - 1));
      CallMemory<A, R> memory = waiting.getAndSet(slot, null);
      return memory != null ? memory : new CallMemory<>(this, slot, args.get(), result.get());
    }
  }

  final A args;
  final R result;

  /** The bytes of args. */
  final ByteBuffer in;

  /** The bytes of result. */
  final ByteBuffer out;

  private final Pool<A, R> pool;
  private final int slot;

  private CallMemory(Pool<A, R> pool, int slot, A args, R result) {
    this.pool = pool;
    this.slot = slot;
    this.args = args;
    this.result = result;
    this.in = bytes(args);
    this.out = bytes(result);
  }

  private static ByteBuffer bytes(Pointer struct) {
    return new BytePointer(struct)
        .capacity(struct.sizeof())
        .asByteBuffer()
        .order(ByteOrder.nativeOrder());
  }

  /** Gives the memory back; where its place is taken meanwhile, it is freed. */
  @Override
  public void close() {
    if (!pool.waiting.compareAndSet(slot, null, this)) {
      args.close();
      result.close();
    }
  }
}
