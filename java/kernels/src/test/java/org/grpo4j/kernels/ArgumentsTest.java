package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

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

  private static void refused(String part, Executable call) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call);
    assertTrue(String.valueOf(e.getMessage()).contains(part), e::toString);
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
    refused("FloatPointer", () -> Logits.of(memory, DType.BF16, N, V));
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
    refused("byte order", () -> Logits.of(swapped.asFloatBuffer(), DType.F32, N, V));
  }

  /** Memory that may be mapped from a file and not written: a gradient there would be a fault. */
  @Test
  void aReadOnlyBufferIsNoGradient() {
    ByteBuffer direct = ByteBuffer.allocateDirect(N * V * 4).order(ByteOrder.nativeOrder());
    Logits readOnly = Logits.of(direct.asReadOnlyBuffer(), DType.F32, N, V);
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
