package org.grpo4j.kernels;

import static org.grpo4j.kernels.Refusals.refused;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Operations on device memory through the public classes, on the emulated device. */
class DeviceQueueTest {
  private static final PolicyLossConfig CONFIG =
      PolicyLossConfig.builder().klCoef(0.05).entropyCoef(0.01).temperature(0.9).build();
  private static final PolicyLossConfig SEQUENCE =
      CONFIG.toBuilder().ratioLevel(RatioLevel.SEQUENCE).build();

  private DeviceQueue queue;

  @BeforeEach
  void open() {
    queue = Emulated.queue();
  }

  @AfterEach
  void close() {
    if (queue != null) {
      queue.close();
    }
  }

  private static Fixture fixture(Fixture.Layout layout, int vocab, long seed) {
    Fixture f = new Fixture(layout, 7, vocab, 2, seed);
    f.sequenceOffsets = new long[] {0, 1, 4, 4, 7};
    f.policyWeights[2] = 0;
    f.regWeights[2] = 0;
    return f;
  }

  /** Both levels, aligned and not, in place and apart: the numbers of the formulas. */
  @Test
  void policyLossMatchesTheFormulas() {
    for (PolicyLossConfig config : List.of(CONFIG, SEQUENCE)) {
      for (Fixture.Layout layout :
          List.of(Fixture.Layout.F32, Fixture.Layout.BF16, new Fixture.Layout(DType.F16, 3, 5))) {
        try (Fixture f = fixture(layout, 1003, 1);
            DeviceFixture d = new DeviceFixture(f, queue);
            RowStatistics out = RowStatistics.allocate(f.rows)) {
          DeviceResult<PolicyLossMetrics> apart =
              PolicyLoss.enqueue(d.logits(), d.batch(), config, d.out(), d.gradient());
          DeviceResult<PolicyLossMetrics> inPlace =
              PolicyLoss.enqueue(d.logits(), d.batch(), config, d.out(), d.logits());
          assertEquals(apart.read(), inPlace.read());
          assertEquals(Isa.CUDA_EMULATED, apart.read().isa());
          d.readInto(out);
          Conformance.compare(f, config, out, apart.read());
          for (int i = 0; i < f.rows; i++) {
            assertArrayEquals(f.gradientRow(i), f.logitsRow(i), "in place, row " + i);
          }
        }
      }
    }
  }

  @Test
  void statisticsAndLogProbs() {
    try (Fixture f = fixture(Fixture.Layout.BF16, 500, 2);
        DeviceFixture d = new DeviceFixture(f, queue);
        RowStatistics out = RowStatistics.allocate(f.rows)) {
      LogitRows rows = LogitRows.all(d.integers(Fixture.longs(f.targets)), 0.5);
      assertEquals(Isa.CUDA_EMULATED, TokenStats.compute(d.logits(), rows, d.out()));
      d.readInto(out);
      for (int i = 0; i < f.rows; i++) {
        Conformance.statistics(Oracle.row(f.z[i], (int) f.targets[i], 0.5), out, i);
      }
      FloatPointer expected = new FloatPointer(out.logProbs());
      DeviceResult<Isa> logProbs = TokenStats.enqueueLogProbs(d.logits(), rows, d.out().logProbs());
      assertEquals(Isa.CUDA_EMULATED, logProbs.read());
      d.readInto(out);
      for (int i = 0; i < f.rows; i++) {
        assertEquals(expected.get(i), out.logProbs().get(i), 2e-6);
      }
    }
  }

  /** States of two shards, merge, objective, gradient: enqueued one after the other, read once. */
  @Test
  void partsInOrderWithoutWaiting() {
    try (Fixture f = fixture(Fixture.Layout.F32, 1003, 3);
        DeviceFixture d = new DeviceFixture(f, queue);
        RowStatistics out = RowStatistics.allocate(f.rows);
        RowStates parts = RowStates.allocate(queue, 2, f.rows);
        RowStates merged = RowStates.allocate(queue, 1, f.rows);
        RowSlopes slopes = RowSlopes.allocate(queue, f.rows)) {
      PolicyBatch batch = d.batch();
      LogitRows rows = batch.rows(SEQUENCE);
      int[] begins = {0, 400, f.vocab};
      List<DeviceResult<Isa>> results = new ArrayList<>();
      for (int k = 0; k < 2; k++) {
        Logits part = d.logits(begins[k], begins[k + 1] - begins[k]);
        results.add(RowStates.enqueue(part, rows, new VocabShard(begins[k], f.vocab), parts, k));
      }
      results.add(MergeStates.enqueue(parts, rows, merged, d.out()));
      DeviceResult<PolicyLossMetrics> metrics = Objective.enqueue(batch, SEQUENCE, d.out(), slopes);
      for (int k = 0; k < 2; k++) {
        int columns = begins[k + 1] - begins[k];
        results.add(
            LogitsGradient.enqueue(
                d.logits(begins[k], columns),
                rows,
                new VocabShard(begins[k], f.vocab),
                merged,
                slopes,
                d.gradient(begins[k], columns)));
      }
      for (DeviceResult<Isa> result : results) {
        assertEquals(Isa.CUDA_EMULATED, result.read());
      }
      d.readInto(out);
      out.logProbs().put(2, 0); // masked; shards are read before any weight is known
      Conformance.compare(f, SEQUENCE, out, metrics.read());
    }
  }

  /** What lies on a device is not looked at before the kernels run: it is reported afterwards. */
  @Test
  void badRowsShowWhenTheResultIsRead() {
    try (Fixture f = fixture(Fixture.Layout.F32, 100, 4);
        DeviceFixture d = new DeviceFixture(f, queue)) {
      f.targets[5] = 100;
      PolicyBatch wrongTarget = d.batch(f.batch());
      DeviceResult<PolicyLossMetrics> named =
          PolicyLoss.enqueue(d.logits(), wrongTarget, CONFIG, d.out(), d.gradient());
      PolicyLossConfig zeroing = CONFIG.toBuilder().zeroBadRows(true).build();
      DeviceResult<PolicyLossMetrics> counted =
          PolicyLoss.enqueue(d.logits(), wrongTarget, zeroing, d.out(), d.gradient());
      assertEquals(1, counted.read().badRows());
      assertEquals(5, counted.read().firstBadRow());
      for (int again = 0; again < 2; again++) {
        KernelException e = assertThrows(KernelException.class, named::read);
        assertTrue(
            String.valueOf(e.getMessage()).contains("row 5: its target is outside"), e::toString);
        assertEquals(1, e.badRows());
      }
    }
  }

  @Test
  void indicesOnTheDeviceAreTheKernelsToCheck() {
    try (Fixture f = new Fixture(Fixture.Layout.F32, 7, 100, 2, 5);
        DeviceFixture d = new DeviceFixture(f, queue);
        RowStates states = RowStates.allocate(queue, 1, f.rows);
        RowSlopes slopes = RowSlopes.allocate(queue, f.rows)) {
      LongPointer outside = Fixture.longs(0, 1, 2, 3, 4, 5, 7);
      LogitRows rows =
          new LogitRows(d.integers(Fixture.longs(f.targets)), d.longs(outside), 1, null);
      VocabShard whole = new VocabShard(0, f.vocab);
      for (DeviceResult<Isa> result :
          List.of(
              TokenStats.enqueue(d.logits(), rows, d.out()),
              LogitsGradient.enqueue(d.logits(), rows, whole, states, slopes, d.gradient()))) {
        KernelException e = assertThrows(KernelException.class, result::read);
        assertTrue(String.valueOf(e.getMessage()).contains("row 6: rowIndices"), e::toString);
      }
    }
  }

  /** More results than one slab has, all kept; then their places are used again. */
  @Test
  void manyResultsInFlight() {
    try (Fixture f = new Fixture(Fixture.Layout.F32, 1, 5, 2, 6);
        DeviceFixture d = new DeviceFixture(f, queue)) {
      PolicyBatch batch = d.batch();
      for (int round = 0; round < 2; round++) {
        List<DeviceResult<PolicyLossMetrics>> results = new ArrayList<>();
        for (int k = 0; k < 100; k++) {
          PolicyLossConfig config = PolicyLossConfig.builder().temperature(1 + k).build();
          results.add(PolicyLoss.enqueue(d.logits(), batch, config, d.out(), d.gradient()));
        }
        assertEquals(100, results.stream().map(r -> r.read().ratioMean()).distinct().count());
      }
    }
  }

  @Test
  void advantagesAndTokenWeightsAreThoseOfTheProcessor() {
    float[] rewards = {1, 3, 2, 0, 5};
    LongPointer offsets = Fixture.longs(0, 3, 5);
    IntPointer lengths = new IntPointer(4, 2, 7, 1, 3);
    byte[] regions = {0, 1, 2, 3, 1};
    RegionWeights weighing =
        new RegionWeights(List.of(1.5, 0.5), 0.1, 4, RegionWeights.Order.CLAMP_THEN_MEAN);
    try (DeviceMemory results = queue.allocate(5 * Float.BYTES);
        Fixture f = new Fixture(Fixture.Layout.F32, 1, 1, 1, 7);
        DeviceFixture d = new DeviceFixture(f, queue)) {
      FloatPointer expected = new FloatPointer(5);
      for (GroupAdvantages.Estimator estimator : GroupAdvantages.Estimator.values()) {
        GroupAdvantages formula = GroupAdvantages.of(estimator);
        formula.compute(offsets, new FloatPointer(rewards), lengths, expected);
        formula.enqueue(
            queue,
            (LongPointer) d.integers(offsets),
            d.wanted(new FloatPointer(rewards)),
            (IntPointer) d.integers(lengths),
            results.floats(0, 5));
        assertClose(expected, results, estimator.toString());
      }
      weighing.compute(offsets, new BytePointer(regions), null, expected);
      DeviceMemory onDevice = queue.allocate(5);
      onDevice.copyIn(new BytePointer(regions));
      weighing.enqueue(
          queue, (LongPointer) d.integers(offsets), onDevice.pointer(), null, results.floats(0, 5));
      assertClose(expected, results, "token weights");
      onDevice.close();
    }
  }

  private void assertClose(FloatPointer expected, DeviceMemory results, String what) {
    queue.synchronize();
    FloatPointer got = new FloatPointer(Arguments.remaining("expected", expected));
    results.copyOut(got);
    for (long i = 0; i < Arguments.remaining("expected", expected); i++) {
      assertEquals(expected.get(i), got.get(i), 1e-6 * (1 + Math.abs(expected.get(i))), what);
    }
  }

  @Test
  void argumentsMustLieWhereTheCallRuns() {
    try (Fixture f = fixture(Fixture.Layout.F32, 50, 8);
        DeviceFixture d = new DeviceFixture(f, queue);
        RowStates onHost = RowStates.allocate(f.rows);
        RowSlopes slopes = RowSlopes.allocate(queue, f.rows)) {
      refused(
          "gradient is in host memory: want on a queue of backend cuda-emulated",
          () -> PolicyLoss.enqueue(d.logits(), d.batch(), CONFIG, d.out(), f.gradient()));
      refused(
          "logits are in host memory",
          () -> PolicyLoss.enqueue(f.logits(), f.batch(), CONFIG, d.out(), f.gradient()));
      refused(
          "out is in host memory",
          () ->
              RowStates.enqueue(
                  d.logits(), d.batch().rows(CONFIG), new VocabShard(0, 50), onHost, 0));
      refused("slopes are on a device", () -> slopes.g(0));
      refused(
          "data begins between two elements",
          () -> {
            try (DeviceMemory memory = queue.allocate(64)) {
              Logits.onDevice(queue, memory.pointer().position(2), DType.F32, 1, 4, 4);
            }
          });
      refused("backend is cpu", () -> DeviceQueue.on(Backend.CPU, null));
      refused(
          "want at most the 8 bytes",
          () -> {
            try (DeviceMemory small = queue.allocate(8)) {
              small.floats(4, 2);
            }
          });
    }
  }

  @Test
  void aQueueNamesItsDeviceAndStream() {
    assertEquals(0, queue.device());
    assertTrue(queue.isOn(null));
    assertFalse(queue.isOn(new NativeCalls.Address(64)));
    try (DeviceQueue same = DeviceQueue.on(Backend.CUDA_EMULATED, 0, null)) {
      assertEquals(0, same.device());
    }
    String message =
        assertThrows(KernelException.class, () -> DeviceQueue.on(Backend.CUDA_EMULATED, 3, null))
            .getMessage();
    assertTrue(String.valueOf(message).contains("choice of a device: "), message);
  }

  /** Calls from many threads at once, each on a queue of its own: results are those of one. */
  @Test
  void queuesOfSeveralThreads() throws Exception {
    try (Fixture f = fixture(Fixture.Layout.F32, 515, 3)) {
      double expected = lossOn(f);
      ExecutorService threads = Executors.newFixedThreadPool(4);
      try {
        List<Future<Double>> losses = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
          losses.add(threads.submit(() -> lossOn(f)));
        }
        for (Future<Double> loss : losses) {
          assertEquals(expected, loss.get());
        }
      } finally {
        threads.shutdownNow();
      }
    }
  }

  private static double lossOn(Fixture f) {
    try (DeviceQueue own = DeviceQueue.on(Backend.CUDA_EMULATED, null);
        DeviceFixture d = new DeviceFixture(f, own)) {
      return PolicyLoss.compute(d.logits(), d.batch(), SEQUENCE, d.out(), d.gradient()).loss();
    }
  }

  @Test
  void aClosedQueueIsNamed() {
    try (Fixture f = fixture(Fixture.Layout.F32, 50, 9);
        DeviceFixture d = new DeviceFixture(f, queue)) {
      Logits logits = d.logits();
      PolicyBatch batch = d.batch();
      RowStatistics out = d.out();
      queue.close();
      refused("the queue was closed", () -> PolicyLoss.enqueue(logits, batch, CONFIG, out, logits));
      queue.close(); // again, as try-with-resources after it would
    }
  }

  /** Given back twice, memory would be somebody else's the second time. */
  @Test
  void memoryIsReleasedOnceWhicheverThreadsCloseIt() throws Exception {
    int closers = 8;
    ExecutorService threads = Executors.newFixedThreadPool(closers);
    try {
      for (int round = 0; round < 50; round++) {
        DeviceMemory memory = queue.allocate(64);
        CyclicBarrier together = new CyclicBarrier(closers);
        List<Future<?>> closings = new ArrayList<>();
        for (int i = 0; i < closers; i++) {
          closings.add(
              threads.submit(
                  () -> {
                    together.await();
                    memory.close();
                    return null;
                  }));
        }
        for (Future<?> closing : closings) {
          closing.get();
        }
        refused("the device memory was closed", memory::pointer);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void kernelsAreLoadedBeforeACapture() {
    queue.prepare();
    queue.prepare(); // nothing is left to load
    queue.close();
    refused("the queue was closed", queue::prepare);
  }

  @Test
  void copiesThereAndBack() {
    float[] values = new float[33];
    for (int i = 0; i < values.length; i++) {
      values[i] = i * 0.5f;
    }
    try (DeviceMemory memory = queue.allocate(33 * Float.BYTES)) {
      memory.copyIn(new FloatPointer(values));
      FloatPointer back = new FloatPointer(33);
      memory.copyOut(back);
      float[] got = new float[33];
      back.get(got);
      assertArrayEquals(values, got);
      refused("host holds 136 bytes", () -> memory.copyIn(new FloatPointer(34)));
      refused("host holds 136 bytes", () -> memory.copyOut(new FloatPointer(34)));
    }
  }
}
