package org.grpo4j.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Passes over memory by plain Java threads and the C library's memcpy, in pieces that stay in the
 * first caches: to a small buffer and back (in place), or to it alone (a read).
 *
 * <p>A yardstick beside libtorch's passes: OpenMP's threads meet at barriers, where one busy
 * neighbour holds all of them up; these take shares until none is left, as the kernels do.
 */
final class MemoryPass implements AutoCloseable {
  private static final long PIECE = 16 << 10;
  private static final long SHARE = 2 << 20;

  private final int threads;
  private final ExecutorService helpers;

  MemoryPass(int threads) {
    this.threads = threads;
    helpers =
        Executors.newFixedThreadPool(
            threads,
            task -> {
              Thread thread = new Thread(task, "memory-pass");
              thread.setDaemon(true);
              return thread;
            });
  }

  /** Reads and writes every byte once. */
  void copyInPlace(BytePointer memory) {
    pass(memory, true);
  }

  /** Reads every byte once. */
  void read(BytePointer memory) {
    pass(memory, false);
  }

  private void pass(BytePointer memory, boolean writes) {
    AtomicLong next = new AtomicLong();
    Callable<Boolean> share =
        () -> {
          BytePointer place = new BytePointer(memory);
          try (BytePointer buffer = new BytePointer(PIECE)) {
            for (long begin; (begin = next.getAndAdd(SHARE)) < memory.limit(); ) {
              long end = Math.min(begin + SHARE, memory.limit());
              for (long at = begin; at < end; at += PIECE) {
                long bytes = Math.min(PIECE, end - at);
                place.position(at);
                Pointer.memcpy(buffer, place, bytes);
                if (writes) {
                  Pointer.memcpy(place, buffer, bytes);
                }
              }
            }
          }
          return true;
        };
    List<Callable<Boolean>> all = new ArrayList<>();
    for (int t = 0; t < threads; t++) {
      all.add(share);
    }
    try {
      for (Future<Boolean> done : helpers.invokeAll(all)) {
        done.get();
      }
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    helpers.shutdown();
  }
}
