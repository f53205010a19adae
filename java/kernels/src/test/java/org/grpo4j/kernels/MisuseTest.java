package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.grpo4j.fixtures.ResidentMemory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Whatever the arguments are, a call returns or throws: the process lives, and its memory is flat.
 */
class MisuseTest {
  private static final int CALLS = Integer.getInteger("grpo4j.fuzzCalls", 20_000);

  /** Every public operation, from all that a caller can get wrong. */
  @Test
  void randomArguments() {
    RandomCalls calls = new RandomCalls(TestSeed.of(20261124));
    Map<String, Integer> right = new TreeMap<>();
    Map<String, Integer> refused = new TreeMap<>();
    for (int i = 0; i < CALLS; i++) {
      String operation = calls.choose();
      try {
        calls.run(operation);
        right.merge(operation, 1, Integer::sum);
      } catch (OutOfMemoryError e) {
        assertTrue(operation.equals("allocation") || operation.equals("view"), e::toString);
        refused.merge(operation, 1, Integer::sum);
      } catch (IllegalArgumentException | KernelException e) {
        assertTrue(e.getMessage() != null && !e.getMessage().contains("rejected"), e::toString);
        refused.merge(operation, 1, Integer::sum);
      }
    }
    for (String operation : RandomCalls.OPERATIONS) {
      assertTrue(
          right.getOrDefault(operation, 0) > CALLS / 300
              && refused.getOrDefault(operation, 0) > CALLS / 300,
          operation + ": right " + right + ", refused " + refused);
    }
  }

  /** Native memory that calls take is given back by them. */
  @Test
  void tenThousandCallsAreFlat() {
    try (Fixture f = new Fixture(Fixture.Layout.F32, 8, 500, 2, 1);
        RowStatistics out = RowStatistics.allocate(8)) {
      f.sequenceOffsets = new long[] {0, 3, 8};
      PolicyBatch batch = f.batch();
      Logits logits = f.logits();
      Logits gradient = f.gradient();
      PolicyLossConfig token = PolicyLossConfig.defaults();
      PolicyLossConfig gspo = token.toBuilder().ratioLevel(RatioLevel.SEQUENCE).build();
      PolicyLoss.compute(logits, batch, gspo, out, gradient);
      System.gc();
      long tracked = Pointer.totalBytes();
      long grown =
          ResidentMemory.growth(
              5_000,
              () -> {
                PolicyLoss.compute(logits, batch, token, out, gradient);
                PolicyLoss.compute(logits, batch, gspo, out, gradient);
              });
      assertTrue(Pointer.totalBytes() <= tracked + 4096, "tracked native memory grew");
      assertTrue(grown < 1L << 20, "10,000 calls grew resident memory by " + grown + " bytes");
    }
  }

  /** A caller's scope frees what was allocated in it; what later calls use must not be among it. */
  @Test
  void insideAPointerScope() {
    for (int i = 0; i < 50; i++) {
      try (PointerScope scope = new PointerScope()) {
        Logits logits = Logits.copyOf(new float[] {1, 2, 3, 4, 4, 3, 2, 1}, 2, 4);
        FloatPointer ones = new FloatPointer(1f, 1f);
        PolicyBatch batch =
            new PolicyBatch(new LongPointer(3, 0), null, null, ones, ones, ones, null)
                .withSequences(new LongPointer(0, 2), false);
        PolicyLossMetrics metrics =
            PolicyLoss.compute(
                logits,
                batch,
                PolicyLossConfig.builder().ratioLevel(RatioLevel.SEQUENCE).build(),
                RowStatistics.allocate(2),
                logits);
        assertTrue(metrics.units() == 1 && metrics.loss() == -2, metrics::toString);
      }
      // Takes the place of memory that a scope freed.
      try (Pointer other = Pointer.malloc(256)) {
        Pointer.memset(other, 0x7f, 256);
      }
    }
  }

  /** 4.3 GB of bf16: the last rows lie beyond 2³¹ elements. */
  @Test
  @Tag("long")
  void offsetsBeyondTwoToTheThirtyOne() {
    long rows = 14_200;
    int vocab = 151_936;
    try (Pointer memory = Pointer.malloc(rows * vocab * 2);
        LongPointer listed = new LongPointer(2);
        FloatPointer ones = new FloatPointer(1f, 1f);
        RowStatistics out = RowStatistics.allocate(2)) {
      Pointer.memset(memory, 0, rows * vocab * 2);
      Logits logits =
          Logits.of(
              new org.bytedeco.javacpp.BytePointer(memory).capacity(rows * vocab * 2),
              DType.BF16,
              rows,
              vocab);
      listed.put(0, 0).put(1, rows - 1);
      PolicyBatch batch =
          new PolicyBatch(new LongPointer(7, vocab - 1), null, null, ones, ones, ones, listed);
      PolicyLoss.compute(logits, batch, PolicyLossConfig.defaults(), out, logits);
      org.bytedeco.javacpp.ShortPointer bits =
          new org.bytedeco.javacpp.ShortPointer(memory).capacity(rows * vocab);
      for (long at : new long[] {7, (rows - 1) * vocab + vocab - 1}) {
        float dz = Float.intBitsToFloat(bits.get(at) << 16);
        assertTrue(Math.abs(dz + 1) < 0.01, "gradient at the target is " + dz);
      }
      float elsewhere = Float.intBitsToFloat(bits.get((rows - 1) * vocab) << 16);
      assertTrue(Math.abs(elsewhere * vocab - 1) < 0.01, "gradient elsewhere is " + elsewhere);
      assertTrue(bits.get((rows - 2) * vocab + 5) == 0, "a row that is not listed was written");
    }
  }
}
