package org.grpo4j.kernels;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Function;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * The native arguments and results of one call, taken from a few that wait for reuse: allocating
 * them took longer than a small call. Not bound to a thread, so virtual threads leave none behind.
 *
 * <p>The memory belongs to direct buffers and not to JavaCPP, whose PointerScope frees what is
 * allocated while one is open: a caller's scope took the memory away under later calls.
 */
final class CallMemory<A extends Pointer, R extends Pointer> implements AutoCloseable {

  /** What one operation's calls share. */
  static final class Pool<A extends Pointer, R extends Pointer> {
    private static final int SLOTS = 16;

    private final AtomicReferenceArray<CallMemory<A, R>> waiting =
        new AtomicReferenceArray<>(SLOTS);
    private final Class<A> argsType;
    private final Function<Pointer, A> args;
    private final Class<R> resultType;
    private final Function<Pointer, R> result;

    /** Structures of two types, made as views of memory. */
    Pool(
        Class<A> argsType,
        Function<Pointer, A> args,
        Class<R> resultType,
        Function<Pointer, R> result) {
      this.argsType = argsType;
      this.args = args;
      this.resultType = resultType;
      this.result = result;
    }

    /** Memory for one call, to be closed after it. */
    CallMemory<A, R> take() {
      int slot = (int) (Thread.currentThread().getId() & (SLOTS - 1));
      CallMemory<A, R> memory = waiting.getAndSet(slot, null);
      return memory != null ? memory : new CallMemory<>(this, slot);
    }
  }

  /** The bytes of args. */
  final ByteBuffer in;

  /** The bytes of result. */
  final ByteBuffer out;

  final A args;
  final R result;
  private final Pool<A, R> pool;
  private final int slot;

  private CallMemory(Pool<A, R> pool, int slot) {
    this.pool = pool;
    this.slot = slot;
    in = bytes(pool.argsType);
    out = bytes(pool.resultType);
    args = pool.args.apply(new BytePointer(in));
    result = pool.result.apply(new BytePointer(out));
  }

  private static ByteBuffer bytes(Class<? extends Pointer> type) {
    return ByteBuffer.allocateDirect(Pointer.sizeof(type)).order(ByteOrder.nativeOrder());
  }

  /** Gives the memory back; where its place is taken meanwhile, the garbage collector has it. */
  @Override
  public void close() {
    pool.waiting.set(slot, this);
  }
}
