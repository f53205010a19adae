package org.grpo4j.kernels;

import java.util.Arrays;
import java.util.Random;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/** One batch in native memory, with the same numbers as doubles for the oracle. */
final class Fixture implements AutoCloseable {
  /**
   * How the memory is laid out.
   *
   * @param offset elements before the first row, so that rows start unaligned
   * @param padding elements between rows
   */
  record Layout(DType dtype, int offset, int padding) {
    static final Layout F32 = new Layout(DType.F32, 0, 0);
    static final Layout BF16 = new Layout(DType.BF16, 0, 0);
    static final Layout F16 = new Layout(DType.F16, 0, 0);
  }

  final Layout layout;
  final int rows;
  final int vocab;
  final double[][] z;
  final long[] targets;
  final float[] old;
  final float[] ref;
  final float[] advantages;
  final float[] policyWeights;
  final float[] regWeights;

  /** [B + 1], or null for rows that belong to no sequence. */
  long @Nullable [] sequenceOffsets;

  /** [N], or null for the configuration's. */
  float @Nullable [] temperatures;

  boolean intTargets;

  /** Whether the batch goes without old log-probs. */
  boolean onPolicy;

  /** Whether it goes without those of the reference. */
  boolean withoutReference;

  private final BytePointer logitsMemory;
  private final BytePointer gradientMemory;

  Fixture(Layout layout, int rows, int vocab, double scale, long seed) {
    this(layout, rows, rows, vocab, scale, seed);
  }

  /**
   * The rows' logits repeat after so many different ones, which spares memory; targets and all else
   * differ.
   */
  Fixture(Layout layout, int rows, int different, int vocab, double scale, long seed) {
    this.layout = layout;
    this.rows = rows;
    this.vocab = vocab;
    Random random = new Random(TestSeed.of(seed));
    z = new double[rows][];
    targets = new long[rows];
    old = new float[rows];
    ref = new float[rows];
    advantages = new float[rows];
    policyWeights = new float[rows];
    regWeights = new float[rows];
    for (int i = 0; i < rows; i++) {
      z[i] = i < different ? new double[vocab] : z[i - different];
      for (int v = 0; v < vocab && i < different; v++) {
        z[i][v] = Elements.round(layout.dtype, scale * random.nextGaussian());
      }
      targets[i] = random.nextInt(vocab);
      advantages[i] = (float) random.nextGaussian();
      policyWeights[i] = random.nextFloat() + 0.1f;
      regWeights[i] = random.nextFloat() + 0.1f;
      // Ratios from far below the clip range to far above it.
      double logProb = Oracle.row(z[i], (int) targets[i], 1).logProb();
      old[i] = (float) (logProb + 0.4 * random.nextGaussian());
      ref[i] = (float) (logProb + 0.4 * random.nextGaussian());
    }
    long bytes = Math.max(1, (layout.offset + (long) rows * stride()) * layout.dtype.bytes());
    logitsMemory = new BytePointer(bytes);
    gradientMemory = new BytePointer(bytes);
    writeLogits();
  }

  private int stride() {
    return vocab + layout.padding;
  }

  /** Copies z into native memory; everything outside the rows is NaN, so that reading it shows. */
  void writeLogits() {
    long elements = logitsMemory.capacity() / layout.dtype.bytes();
    for (long e = 0; e < elements; e++) {
      Elements.put(logitsMemory, layout.dtype, e, Double.NaN);
      Elements.put(gradientMemory, layout.dtype, e, Double.NaN);
    }
    for (int i = 0; i < rows; i++) {
      for (int v = 0; v < vocab; v++) {
        Elements.put(logitsMemory, layout.dtype, at(i, v), z[i][v]);
      }
    }
  }

  private long at(int row, int v) {
    return layout.offset + (long) row * stride() + v;
  }

  private Logits view(BytePointer memory) {
    return view(memory, 0, vocab);
  }

  private Logits view(BytePointer memory, int firstColumn, int columns) {
    Pointer start =
        new BytePointer(memory)
            .position((long) (layout.offset + firstColumn) * layout.dtype.bytes());
    return Logits.of(start, layout.dtype, rows, columns, stride());
  }

  Logits logits() {
    return view(logitsMemory);
  }

  Logits gradient() {
    return view(gradientMemory);
  }

  double[] gradientRow(int row) {
    return read(gradientMemory, row);
  }

  double[] logitsRow(int row) {
    return read(logitsMemory, row);
  }

  private double[] read(BytePointer memory, int row) {
    double[] values = new double[vocab];
    for (int v = 0; v < vocab; v++) {
      values[v] = Elements.get(memory, layout.dtype, at(row, v));
    }
    return values;
  }

  PolicyBatch batch() {
    return batch(null);
  }

  /** All rows, or those listed with everything else gathered accordingly. */
  PolicyBatch batch(int @Nullable [] listed) {
    int[] take = listed == null ? allRows() : listed;
    int[] wanted = Arrays.stream(take).map(i -> (int) targets[i]).toArray();
    PolicyBatch batch =
        new PolicyBatch(
            intTargets
                ? new IntPointer(wanted)
                : longs(Arrays.stream(take).mapToLong(i -> targets[i]).toArray()),
            onPolicy ? null : gather(old, take),
            withoutReference ? null : gather(ref, take),
            gather(advantages, take),
            gather(policyWeights, take),
            gather(regWeights, take),
            listed == null ? null : longs(Arrays.stream(listed).asLongStream().toArray()));
    if (sequenceOffsets != null) {
      batch = batch.withSequences(longs(sequenceOffsets), false);
    }
    return temperatures == null ? batch : batch.withTemperatures(gather(temperatures, take));
  }

  double temperature(int row, PolicyLossConfig config) {
    return temperatures == null ? config.temperature() : temperatures[row];
  }

  boolean masked(int row) {
    return policyWeights[row] == 0 && regWeights[row] == 0;
  }

  /** Some of the columns, as one rank would hold them: a view of the same memory. */
  Logits logits(int firstColumn, int columns) {
    return view(logitsMemory, firstColumn, columns);
  }

  Logits gradient(int firstColumn, int columns) {
    return view(gradientMemory, firstColumn, columns);
  }

  /** All bytes of the logits, from which {@link #logits} is a view. */
  BytePointer logitsMemory() {
    return logitsMemory;
  }

  BytePointer gradientMemory() {
    return gradientMemory;
  }

  int[] allRows() {
    int[] all = new int[rows];
    Arrays.setAll(all, i -> i);
    return all;
  }

  Oracle.Inputs inputs(int i) {
    return new Oracle.Inputs(
        onPolicy ? Double.NaN : old[i], ref[i], advantages[i], policyWeights[i], regWeights[i]);
  }

  static LongPointer longs(long... values) {
    return new LongPointer(values);
  }

  static FloatPointer gather(float[] from, int[] take) {
    FloatPointer to = new FloatPointer(take.length);
    for (int k = 0; k < take.length; k++) {
      to.put(k, from[take[k]]);
    }
    return to;
  }

  @Override
  public void close() {
    logitsMemory.close();
    gradientMemory.close();
  }
}
