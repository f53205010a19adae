package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Whatever the arguments are, a call returns or throws: the process lives, and its memory is flat.
 */
class MisuseTest {
  private static final long SEED = 20261124;

  private final Random random = new Random(SEED);

  /** Usually what is wanted, now and then something near it. */
  private long near(long wanted) {
    return switch (random.nextInt(60)) {
      case 0 -> Math.max(0, wanted - 1);
      case 1 -> wanted + 1;
      default -> wanted;
    };
  }

  private FloatPointer floats(long wanted) {
    FloatPointer pointer = new FloatPointer(near(wanted));
    for (long i = 0; i < pointer.limit(); i++) {
      pointer.put(i, special((float) random.nextGaussian()));
    }
    return spoiled(pointer);
  }

  private float special(float value) {
    return switch (random.nextInt(400)) {
      case 0 -> Float.NaN;
      case 1 -> Float.POSITIVE_INFINITY;
      case 2 -> Float.NEGATIVE_INFINITY;
      case 3 -> 0f;
      case 4 -> 3e38f;
      default -> value;
    };
  }

  private LongPointer longs(long wanted, long bound) {
    LongPointer pointer = new LongPointer(near(wanted));
    long previous = 0;
    for (long i = 0; i < pointer.limit(); i++) {
      previous = random.nextInt(60) == 0 ? random.nextLong() : Math.min(bound, previous + 1);
      pointer.put(i, previous);
    }
    return spoiled(pointer);
  }

  private Pointer targets(long wanted, int vocab) {
    if (random.nextBoolean()) {
      return longs(wanted, vocab - 1);
    }
    IntPointer pointer = new IntPointer(near(wanted));
    for (long i = 0; i < pointer.limit(); i++) {
      pointer.put(i, random.nextInt(60) == 0 ? random.nextInt() : random.nextInt(vocab));
    }
    return spoiled(pointer);
  }

  private <P extends Pointer> P spoiled(P pointer) {
    if (random.nextInt(150) == 0) {
      pointer.close();
    }
    return pointer;
  }

  private @Nullable FloatPointer maybe(long wanted) {
    return random.nextInt(3) == 0 ? null : floats(wanted);
  }

  private PolicyLossConfig config() {
    RatioLevel level =
        switch (random.nextInt(3)) {
          case 0 -> RatioLevel.SEQUENCE;
          case 1 -> RatioLevel.SEQUENCE_TOKEN;
          default -> RatioLevel.TOKEN;
        };
    PolicyObjective objective =
        switch (random.nextInt(6)) {
          case 0 -> new PolicyObjective.Cispo(random.nextDouble() * 3);
          case 1 -> new PolicyObjective.Sapo();
          case 2 -> new PolicyObjective.Gpg();
          case 3 -> new PolicyObjective.Gmpo(0.4, 0.4);
          case 4 -> new PolicyObjective.Vespo();
          default -> PolicyObjective.clip();
        };
    return PolicyLossConfig.builder()
        .objective(objective)
        .ratioLevel(level)
        .klCoef(random.nextBoolean() ? 0 : random.nextGaussian())
        .entropyCoef(random.nextBoolean() ? 0 : random.nextGaussian())
        .temperature(random.nextInt(20) == 0 ? -1 : 0.1 + random.nextDouble())
        .softCap(random.nextInt(4) == 0 ? 5 : 0)
        .accumulateGradient(random.nextInt(4) == 0)
        .zeroBadRows(random.nextBoolean())
        .build();
  }

  private void call() {
    int rows = random.nextInt(5);
    int vocab = 1 + random.nextInt(70);
    Logits logits = Logits.of(floats((long) rows * vocab), DType.F32, rows, vocab);
    Logits gradient =
        random.nextBoolean()
            ? logits
            : Logits.of(floats((long) rows * vocab), DType.F32, near(rows), vocab);
    LongPointer listed = random.nextInt(3) == 0 ? longs(random.nextInt(5), rows) : null;
    long n = listed == null ? rows : listed.limit();
    PolicyBatch batch =
        new PolicyBatch(
            targets(n, vocab),
            maybe(n),
            maybe(n),
            floats(n),
            floats(n),
            floats(n),
            listed,
            random.nextBoolean() ? null : offsets(n),
            random.nextInt(4) == 0,
            maybe(n));
    RowStatistics out = new RowStatistics(floats(n), floats(n), maybe(n), maybe(n));
    PolicyLossConfig config = config();
    switch (random.nextInt(4)) {
      case 0 -> TokenStats.compute(logits, batch.rows(config), out);
      case 1 -> inParts(logits, batch, config, out, gradient);
      default -> PolicyLoss.compute(logits, batch, config, out, gradient);
    }
  }

  private LongPointer offsets(long n) {
    LongPointer offsets = new LongPointer(2 + random.nextInt(2));
    for (long i = 0; i < offsets.limit(); i++) {
      offsets.put(i, i == 0 ? 0 : i == offsets.limit() - 1 ? near(n) : random.nextInt((int) n + 1));
    }
    return spoiled(offsets);
  }

  private void inParts(
      Logits logits,
      PolicyBatch batch,
      PolicyLossConfig config,
      RowStatistics out,
      Logits gradient) {
    long n = near(logits.rows());
    try (RowStates states = RowStates.allocate(1 + random.nextInt(2), n);
        RowSlopes slopes = RowSlopes.allocate(near(n))) {
      VocabShard shard = new VocabShard(random.nextInt(3), logits.vocab() + random.nextInt(3));
      RowStates.compute(logits, batch.rows(config), shard, states, random.nextInt(2));
      MergeStates.compute(states, batch.rows(config), states, out);
      Objective.compute(batch, config, out, slopes);
      LogitsGradient.compute(logits, batch.rows(config), shard, states, slopes, gradient);
    }
  }

  @Test
  void randomArguments() {
    int right = 0;
    int refused = 0;
    for (int i = 0; i < 20_000; i++) {
      try {
        call();
        right++;
      } catch (IllegalArgumentException | KernelException e) {
        assertTrue(e.getMessage() != null && !e.getMessage().contains("rejected"), e::toString);
        refused++;
      }
    }
    assertTrue(
        right > 1000 && refused > 1000, right + " calls were right, " + refused + " refused");
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
      long resident = Pointer.physicalBytes();
      for (int i = 0; i < 10_000; i++) {
        PolicyLoss.compute(logits, batch, i % 2 == 0 ? token : gspo, out, gradient);
      }
      assertTrue(Pointer.totalBytes() <= tracked + 4096, "tracked native memory grew");
      assertTrue(Pointer.physicalBytes() <= resident + (64L << 20), "resident memory grew");
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
