package org.grpo4j.kernels;

import static org.grpo4j.kernels.Refusals.refused;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import org.bytedeco.javacpp.BoolPointer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.CharPointer;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.ShortPointer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A wrong argument is refused by name before native code sees it. */
class ArgumentsTest {
  private static final int N = 3;
  private static final int V = 10;

  private final FloatPointer memory = zeros(N * V);
  private final Logits logits = Logits.of(memory, DType.F32, N, V);
  private final RowStatistics out = RowStatistics.allocate(N);
  private final LongPointer targets = new LongPointer(0, 1, 2);

  private static FloatPointer zeros(int n) {
    return new FloatPointer(new float[n]);
  }

  private PolicyBatch batch(
      @Nullable LongPointer rows, LongPointer targets, @Nullable FloatPointer old, int n) {
    return new PolicyBatch(targets, old, null, zeros(n), zeros(n), zeros(n), rows);
  }

  private void run(PolicyBatch batch, Logits gradient) {
    PolicyLoss.compute(logits, batch, PolicyLossConfig.defaults(), out, gradient);
  }

  @Test
  void logitsThatTheMemoryDoesNotHold() {
    refused("data holds 120 bytes: want 160", () -> Logits.of(memory, DType.F32, 4, V));
    refused("want 128", () -> Logits.of(memory, DType.F32, N, V, 11));
    refused("rowStride is 9", () -> Logits.of(memory, DType.F32, N, V, 9));
    refused("[-1, 10]", () -> Logits.of(memory, DType.F32, -1, V));
    refused("[3, 0]", () -> Logits.of(memory, DType.F32, N, 0));
    refused("null or closed", () -> Logits.of(new FloatPointer(), DType.F32, N, V));
    BytePointer unknownSize = new BytePointer(memory).capacity(0);
    refused("data holds 0 bytes", () -> Logits.of(unknownSize, DType.F32, N, V));
    refused(
        "logits have shape [4611686018427387903, 10] with row stride 10",
        () -> Logits.of(memory, DType.F32, Long.MAX_VALUE / 2, V));
    refused("values has 0 elements", () -> Logits.copyOf(new float[0], 1L << 32, 1L << 32));
    FloatPointer second = new FloatPointer(memory).position(V);
    assertEquals(N - 1, Logits.of(second, DType.F32, N - 1, V).rows());
    refused("data holds 80 bytes", () -> Logits.of(second, DType.F32, N, V));
  }

  /** Whose values would be taken for others, by pointers as ND4J and other presets have them. */
  @Test
  void elementsOfAnotherType() {
    Pointer bytes = new Pointer(memory).capacity(4L * N * V);
    for (Pointer right : List.of(memory, new BytePointer(bytes), bytes)) {
      assertEquals(V, Logits.of(right, DType.F32, N, V).vocab());
    }
    ShortPointer halves = new ShortPointer(N * V);
    for (DType dtype : List.of(DType.BF16, DType.F16)) {
      assertEquals(V, Logits.of(halves, dtype, N, V).vocab());
      assertEquals(V, Logits.of(new BytePointer(halves), dtype, 1, V).vocab());
      refused(
          "data is a FloatPointer, whose elements are not " + dtype + ": want a ShortPointer",
          () -> Logits.of(memory, dtype, N, V));
    }
    long n = N * V;
    for (Pointer wrong :
        List.of(
            new DoublePointer(n),
            new LongPointer(n),
            new IntPointer(2 * n),
            new ShortPointer(2 * n),
            new CharPointer(2 * n),
            new BoolPointer(4 * n))) {
      refused(
          "data is a "
              + wrong.getClass().getSimpleName()
              + ", whose elements are not F32: want a FloatPointer, or bytes",
          () -> Logits.of(wrong, DType.F32, N, V));
    }
  }

  /** JavaCPP lets positions and limits be set that there is no memory for. */
  @Test
  void pointersBeyondTheirMemory() {
    FloatPointer tooLong = new FloatPointer(10L).limit(200_000_000L);
    refused(
        "data goes from element 0 to 200000000: want them within its capacity, 10",
        () -> Logits.of(tooLong, DType.F32, 20_000_000, 10));
    FloatPointer before = new FloatPointer(10L).position(-1);
    refused("data goes from element -1 to 10", () -> Logits.of(before, DType.F32, 1, 11));
    refused(
        "oldLogProbs goes from element -1 to 2: want them within its capacity, 2",
        () -> run(batch(null, targets, zeros(N - 1).position(-1), N), logits));
    refused(
        "targets goes from element 0 to 3: want them within its capacity, 2",
        () -> run(batch(null, new LongPointer(2L).limit(N), null, N), logits));
    refused(
        "rowIndices goes from",
        () -> run(batch(new LongPointer(2L).limit(N), targets, null, N), logits));
    refused(
        "sequenceOffsets goes from",
        () ->
            run(
                batch(null, targets, null, N).withSequences(new LongPointer(1L).limit(2), false),
                logits));
    RowStatistics beyond = new RowStatistics(zeros(2).limit(N), zeros(N), null, null);
    refused("out.logProbs goes from", () -> TokenStats.compute(logits, targets, null, 1, beyond));
    FloatPointer unknownSize = new FloatPointer(new BytePointer(memory).capacity(0)).limit(N * V);
    refused("capacity(n) sets that", () -> Logits.of(unknownSize, DType.F32, N, V));
  }

  @Test
  void buffers() {
    ByteBuffer direct = ByteBuffer.allocateDirect(N * V * 4).order(ByteOrder.nativeOrder());
    assertEquals(V, Logits.of(direct, DType.F32, N, V).vocab());
    assertEquals(V, Logits.of(direct.asFloatBuffer(), DType.F32, N, V).vocab());
    assertEquals(V, Logits.of(direct.asShortBuffer(), DType.BF16, 2 * N, V).vocab());
    refused("Java heap", () -> Logits.of(FloatBuffer.allocate(N * V), DType.F32, N, V));
    refused("IntBuffer", () -> Logits.of(direct.asIntBuffer(), DType.F32, N, V));
    refused("data holds", () -> Logits.of(direct, DType.F32, N + 1, V));
    ByteBuffer swapped = direct.duplicate().order(ByteOrder.BIG_ENDIAN);
    refused("byte order BIG_ENDIAN", () -> Logits.of(swapped.asFloatBuffer(), DType.F32, N, V));
    refused("byte order BIG_ENDIAN", () -> Logits.of(swapped, DType.F32, N, V));
    refused("byte order", () -> Logits.of(direct.duplicate(), DType.F32, N, V)); // Java's default
  }

  /** Memory that may be mapped from a file and not written: a gradient there would be a fault. */
  @Test
  void aReadOnlyBufferIsNoGradient() {
    ByteBuffer direct = ByteBuffer.allocateDirect(N * V * 4).order(ByteOrder.nativeOrder());
    ByteBuffer mapped = direct.asReadOnlyBuffer().order(ByteOrder.nativeOrder());
    Logits readOnly = Logits.of(mapped, DType.F32, N, V);
    TokenStats.compute(readOnly, targets, null, 1, out);
    PolicyBatch batch = batch(null, targets, null, N);
    refused(
        "gradient is a read-only buffer: want [3, 10] F32 that can be written",
        () -> PolicyLoss.compute(readOnly, batch, PolicyLossConfig.defaults(), out, readOnly));
    PolicyLoss.compute(readOnly, batch, PolicyLossConfig.defaults(), out, logits);
  }

  /** What a caller does with its pointer later does not move the view out of its memory. */
  @Test
  void aViewKeepsItsPlace() {
    FloatPointer pointer = new FloatPointer(0f, 1f, 2f, 3f);
    Logits view = Logits.of(pointer, DType.F32, 1, 4);
    pointer.position(1_000_000_000);
    float[] values = new float[4];
    view.copyTo(values);
    assertArrayEquals(new float[] {0, 1, 2, 3}, values);
    pointer.close();
    refused("logits were closed: want [1, 4] F32", () -> view.copyTo(values));
  }

  /** A buffer's memory is used, not copied, and its position counts. */
  @Test
  void aDirectBufferGetsTheGradient() {
    FloatBuffer buffer =
        ByteBuffer.allocateDirect((V + 1) * 4).order(ByteOrder.nativeOrder()).asFloatBuffer();
    buffer.put(0, 7f);
    buffer.position(1);
    Logits row = Logits.of(buffer, DType.F32, 1, V);
    FloatPointer one = new FloatPointer(new float[] {1});
    PolicyLoss.compute(
        row,
        new PolicyBatch(new LongPointer(new long[] {0}), null, null, one, one, one, null),
        PolicyLossConfig.defaults(),
        RowStatistics.allocate(1),
        row);
    assertEquals(7f, buffer.get(0));
    assertEquals(-0.9f, buffer.get(1), 1e-6f);
    assertEquals(0.1f, buffer.get(2), 1e-6f);
  }

  @Test
  void arraysOfTheWrongLength() {
    refused(
        "targets has shape [2]: want [3]",
        () -> run(batch(null, new LongPointer(0, 1), null, N), logits));
    refused(
        "oldLogProbs has shape [2]: want [3]",
        () -> run(batch(null, targets, zeros(2), N), logits));
    refused("advantages has shape [4]: want [3]", () -> run(batch(null, targets, null, 4), logits));
    refused(
        "targets has shape [3]: want [2]",
        () -> run(batch(new LongPointer(0, 1), targets, null, N), logits));
    RowStatistics small = RowStatistics.allocate(2);
    refused(
        "out.logProbs has shape [2]", () -> TokenStats.compute(logits, targets, null, 1, small));
    FloatPointer closed = zeros(N);
    closed.close();
    refused("oldLogProbs", () -> run(batch(null, targets, closed, N), logits));
  }

  @Test
  void rowLists() {
    refused(
        "rowIndices[1] is 0 after 1",
        () -> run(batch(new LongPointer(1, 0, 2), targets, null, N), logits));
    refused(
        "rowIndices[2] is 1 after 1",
        () -> run(batch(new LongPointer(0, 1, 1), targets, null, N), logits));
    refused(
        "rowIndices[2] is 3: want a row of logits [3, 10] F32",
        () -> run(batch(new LongPointer(0, 1, 3), targets, null, N), logits));
    refused(
        "rowIndices[0] is -1",
        () -> TokenStats.compute(logits, targets, new LongPointer(-1, 1, 2), 1, out));
  }

  @Test
  void gradients() {
    PolicyBatch batch = batch(null, targets, null, N);
    refused("gradient has shape [2, 10] F32", () -> run(batch, Logits.of(memory, DType.F32, 2, V)));
    FloatPointer wide = zeros(N * V + 1);
    Logits base = Logits.of(new FloatPointer(wide).limit(N * V), DType.F32, N, V);
    Logits shifted = Logits.of(new FloatPointer(wide).position(1), DType.F32, N, V);
    refused(
        "overlaps",
        () -> PolicyLoss.compute(base, batch, PolicyLossConfig.defaults(), out, shifted));
  }

  /** An output over what is read, or over another output. */
  @Test
  void outputsThatOverlap() {
    LongPointer rows = new LongPointer(0, 1, 2);
    FloatPointer old = zeros(N);
    FloatPointer entropy = zeros(N);
    PolicyBatch batch = batch(rows, targets, old, N);
    overlaps("out.entropy overlaps rowIndices", batch, zeros(N), over(rows, 0));
    overlaps("out.logProbs overlaps oldLogProbs", batch, old, entropy);
    overlaps("out.logProbs overlaps targets", batch, over(targets, N), entropy); // its last half
    overlaps("out.logProbs overlaps out.entropy", batch, entropy, entropy);
    overlaps("out.entropy overlaps logits", batch, zeros(N), over(memory, N * V - N));
    overlaps("out.logProbs overlaps advantages", batch, batch.advantages(), entropy);
    overlaps("out.logProbs overlaps policyWeights", batch, batch.policyWeights(), entropy);
    overlaps(
        "out.logProbs overlaps regularizerWeights", batch, batch.regularizerWeights(), entropy);
    LongPointer offsets = new LongPointer(0, N);
    overlaps(
        "out.logProbs overlaps sequenceOffsets",
        batch.withSequences(offsets, false),
        over(offsets, 1),
        entropy);
    overlaps("out.entropy overlaps temperatures", batch.withTemperatures(old), zeros(N), old);
    FloatPointer gradient = zeros(N * V);
    RowStatistics inGradient = new RowStatistics(zeros(N), over(gradient, V), null, null);
    refused(
        "out.entropy overlaps gradient: want memory of its own",
        () ->
            PolicyLoss.compute(
                logits,
                batch,
                PolicyLossConfig.defaults(),
                inGradient,
                Logits.of(gradient, DType.F32, N, V)));
    refused(
        "logProbs overlaps targets",
        () -> TokenStats.logProbs(logits, LogitRows.all(targets, 1), over(targets, 0)));
  }

  private void overlaps(
      String what, PolicyBatch batch, FloatPointer logProbs, FloatPointer entropy) {
    RowStatistics overlapping = new RowStatistics(logProbs, entropy, null, null);
    refused(
        what + ": want memory of its own",
        () -> PolicyLoss.compute(logits, batch, PolicyLossConfig.defaults(), overlapping, logits));
  }

  /** N floats over another pointer's memory, from a float on. */
  private static FloatPointer over(Pointer other, long first) {
    long bytes = other.limit() * other.sizeof();
    return new FloatPointer(other).position(0).capacity(bytes / 4).position(first).limit(first + N);
  }

  /** The parts of the loss likewise. */
  @Test
  void outputsOfThePartsThatOverlap() {
    LogitRows rows = LogitRows.all(targets, 1);
    VocabShard whole = VocabShard.whole(logits);
    FloatPointer floats = zeros(N);
    try (RowStates states = RowStates.allocate(N);
        RowSlopes slopes = RowSlopes.allocate(N)) {
      FloatPointer inStates = over(states.bytes(0), 3);
      FloatPointer inSlopes = over(slopes.values(), 3);
      refused(
          "out.entropy overlaps slopes",
          () ->
              Objective.compute(
                  batch(null, targets, null, N),
                  PolicyLossConfig.defaults(),
                  new RowStatistics(floats, inSlopes, null, null),
                  slopes));
      refused(
          "out.logProbs overlaps oldLogProbs",
          () ->
              Objective.compute(
                  batch(null, targets, floats, N),
                  PolicyLossConfig.defaults(),
                  new RowStatistics(floats, zeros(N), null, null),
                  slopes));
      refused(
          "out.entropy overlaps shards",
          () ->
              MergeStates.compute(
                  states, rows, states, new RowStatistics(floats, inStates, null, null)));
      LogitRows inside = new LogitRows(targets, null, 1, inStates);
      refused(
          "out overlaps temperatures", () -> RowStates.compute(logits, inside, whole, states, 0));
      FloatPointer large = zeros(N * V);
      LogitRows inGradient = new LogitRows(targets, null, 1, over(large, 5));
      refused(
          "gradient overlaps temperatures",
          () ->
              LogitsGradient.compute(
                  logits, inGradient, whole, states, slopes, Logits.of(large, DType.F32, N, V)));
    }
    refused(
        "advantages overlaps rewards",
        () ->
            GroupAdvantages.of(GroupAdvantages.Estimator.GRPO)
                .compute(new LongPointer(0, N), floats, null, floats));
    refused(
        "weights overlaps completionMask",
        () ->
            new RegionWeights(List.of(1.0), 0.1, 8, RegionWeights.Order.CLAMP_THEN_MEAN)
                .compute(new LongPointer(0, N), new BytePointer(N), floats, floats));
  }

  @Test
  void settings() {
    refused("temperature is 0.0", () -> PolicyLossConfig.builder().temperature(0).build());
    refused("temperature is NaN", () -> TokenStats.compute(logits, targets, null, Double.NaN, out));
    refused("clipLow is -0.1", () -> PolicyLossConfig.builder().clipLow(-0.1).build());
    refused("delta is 0.0", () -> PolicyLossConfig.builder().delta(0).build());
    refused("klCoef is NaN", () -> PolicyLossConfig.builder().klCoef(Double.NaN).build());
    PolicyLossConfig kl = PolicyLossConfig.builder().klCoef(0.1).build();
    PolicyBatch batch = batch(null, targets, null, N);
    refused("refLogProbs is null", () -> PolicyLoss.compute(logits, batch, kl, out, logits));
    refused(
        "ratioLevel is TOKEN",
        () -> PolicyLossConfig.builder().objective(new PolicyObjective.Vespo()).build());
    refused("softCap is -1.0", () -> PolicyLossConfig.builder().softCap(-1).build());
    PolicyLossConfig adding = PolicyLossConfig.builder().accumulateGradient(true).build();
    refused(
        "gradient is the logits' memory",
        () -> PolicyLoss.compute(logits, batch(null, targets, null, N), adding, out, logits));
    refused("tauPositive is 0.0", () -> new PolicyObjective.Sapo(0, 1));
    refused("lambdaNegative is -1.0", () -> new PolicyObjective.Vespo(2, 3, 3, -1));
    refused(
        "clipLow is a setting of the clip objective",
        () -> PolicyLossConfig.builder().objective(new PolicyObjective.Gpg()).clipLow(0.1));
    refused("threads is 0", () -> Kernels.setThreads(0));
  }

  @Test
  void sequences() {
    PolicyBatch batch = batch(null, targets, null, N);
    PolicyLossConfig gspo = PolicyLossConfig.builder().ratioLevel(RatioLevel.SEQUENCE).build();
    refused(
        "sequenceOffsets is null: want [sequences + 1], ratioLevel SEQUENCE needs it",
        () -> PolicyLoss.compute(logits, batch, gspo, out, logits));
    refused(
        "sequenceOffsets goes from 0 to 2: want 0 to 3",
        () -> run(batch.withSequences(new LongPointer(0, 2), false), logits));
    refused(
        "sequenceOffsets[2] is 1 after 2",
        () -> run(batch.withSequences(new LongPointer(0, 2, 1, 3), false), logits));
    refused(
        "advantages has shape [3]: want [1], one element per sequence",
        () -> run(batch.withSequences(new LongPointer(0, 3), true), logits));
    refused("temperatures has shape [2]", () -> run(batch.withTemperatures(zeros(2)), logits));
    refused(
        "targets is a FloatPointer",
        () -> TokenStats.compute(logits, LogitRows.all(zeros(N), 1), out));
  }

  @Test
  void shards() {
    LogitRows rows = LogitRows.all(targets, 1);
    try (RowStates states = RowStates.allocate(N);
        RowStates small = RowStates.allocate(2);
        RowSlopes slopes = RowSlopes.allocate(N)) {
      refused(
          "shard begins at 5 of 12 tokens, but logits [3, 10] F32 have more than the 7 that are left",
          () -> RowStates.compute(logits, rows, new VocabShard(5, 12), states, 0));
      refused(
          "out has shape [1, 2]: want [1, 3]",
          () -> RowStates.compute(logits, rows, VocabShard.whole(logits), small, 0));
      refused(
          "index is 1", () -> RowStates.compute(logits, rows, VocabShard.whole(logits), states, 1));
      refused("merged has shape [1, 2]", () -> MergeStates.compute(states, rows, small, out));
      refused(
          "states has shape [1, 2]",
          () ->
              LogitsGradient.compute(
                  logits, rows, VocabShard.whole(logits), small, slopes, logits));
      try (RowStates two = RowStates.allocate(2, N)) {
        refused(
            "states has shape [2, 3]: want [1, 3], merged by MergeStates",
            () ->
                LogitsGradient.compute(
                    logits, rows, VocabShard.whole(logits), two, slopes, logits));
        refused(
            "merged has shape [2, 3]: want [1, 3]", () -> MergeStates.compute(two, rows, two, out));
      }
      refused("row is 3", () -> slopes.g(3));
      refused("slopes of row 0 are NaN", () -> slopes.set(0, Double.NaN, 0));
    }
    RowStates closed = RowStates.allocate(N);
    closed.close();
    refused(
        "states were closed",
        () -> RowStates.compute(logits, rows, VocabShard.whole(logits), closed, 0));
  }
}
