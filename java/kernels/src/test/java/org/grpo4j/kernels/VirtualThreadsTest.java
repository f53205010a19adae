package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;

/**
 * More callers than threads, each with memory of its own, get what one caller gets: the one that
 * has the pool as well as those that find it taken.
 */
class VirtualThreadsTest {
  private static final int CALLERS = 200;

  /** Rows × tokens are beyond 2¹⁷, below which a call does not ask for the pool. */
  private static final int ROWS = 24;

  private static final int VOCAB = 7_000;

  private int threadsBefore;

  /** Workers for the pool on a machine with one core, too. */
  @BeforeEach
  void useThreads() {
    threadsBefore = Kernels.threads();
    Kernels.setThreads(3);
  }

  @AfterEach
  void restore() {
    Kernels.setThreads(threadsBefore);
  }

  /** The gradient of a batch that depends on the caller. */
  private static float[] gradient(int caller) {
    float[] values = new float[ROWS * VOCAB];
    for (int k = 0; k < values.length; k++) {
      values[k] = (k * 31 + caller * 17) % 101 / 10f;
    }
    long[] tokens = new long[ROWS];
    Arrays.setAll(tokens, i -> (caller + 301L * i) % VOCAB);
    float[] one = new float[ROWS];
    Arrays.fill(one, 1);
    try (LongPointer targets = new LongPointer(tokens);
        FloatPointer ones = new FloatPointer(one);
        FloatPointer memory = new FloatPointer(values);
        RowStatistics out = RowStatistics.allocate(ROWS)) {
      Logits logits = Logits.of(memory, DType.F32, ROWS, VOCAB);
      PolicyBatch batch = new PolicyBatch(targets, null, null, ones, ones, ones, null);
      PolicyLoss.compute(logits, batch, PolicyLossConfig.defaults(), out, logits);
      memory.get(values);
      return values;
    }
  }

  /** The tests are compiled for Java 17, which has no such method. */
  private static ExecutorService virtualThreads() throws ReflectiveOperationException {
    return (ExecutorService)
        Executors.class.getMethod("newVirtualThreadPerTaskExecutor").invoke(null);
  }

  @Test
  @EnabledForJreRange(min = JRE.JAVA_21)
  void manyVirtualThreads() throws Exception {
    ExecutorService threads = virtualThreads();
    try {
      assertSameResults(threads);
    } finally {
      threads.shutdown();
    }
  }

  @Test
  void manyPlatformThreads() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(16);
    try {
      assertSameResults(threads);
    } finally {
      threads.shutdown();
    }
  }

  private static void assertSameResults(ExecutorService threads) throws Exception {
    List<Future<float[]>> results = new ArrayList<>();
    for (int caller = 0; caller < CALLERS; caller++) {
      int which = caller;
      results.add(threads.submit(() -> gradient(which)));
    }
    assertEquals(CALLERS, results.size());
    for (int caller = 0; caller < CALLERS; caller++) {
      assertArrayEquals(gradient(caller), results.get(caller).get(), "caller " + caller);
    }
  }
}
