package org.grpo4j.trainer.selfcheck;

import java.util.Random;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.grpo4j.kernels.DType;
import org.grpo4j.kernels.Logits;
import org.grpo4j.kernels.PolicyBatch;
import org.jspecify.annotations.Nullable;

/**
 * A few rows of random logits that the dtype holds exactly, what the objective needs beside them,
 * and what the formulas of docs/math.md give for them in double.
 */
final class OracleBatch {
  static final int ROWS = 4;
  static final double TEMPERATURE = 0.9;

  private static final float SMALLEST_NORMAL_HALF = 0x1p-14f;

  /** Two sequences of two rows. */
  private static final long[] SEQUENCES = {0, 2, 4};

  private final DType dtype;
  private final int vocab;
  private final double[][] z;
  private final int[] targets = new int[ROWS];
  private final float[] old = new float[ROWS];
  private final float[] reference = new float[ROWS];
  private final float[] advantages = new float[ROWS];
  private final float[] weights = new float[ROWS];

  /** The formulas' statistics of one row. */
  record Row(double logProb, double entropy, double lse, double sumSquares) {}

  OracleBatch(DType dtype, int vocab) {
    this.dtype = dtype;
    this.vocab = vocab;
    Random random = new Random(vocab);
    z = new double[ROWS][vocab];
    for (int i = 0; i < ROWS; i++) {
      for (int v = 0; v < vocab; v++) {
        // The upper half of a float is a bf16; a half holds it, too, where it isn't tiny.
        int bits = Float.floatToRawIntBits((float) (3 * random.nextGaussian())) & 0xffff0000;
        float logit = Float.intBitsToFloat(bits);
        z[i][v] = Math.abs(logit) < SMALLEST_NORMAL_HALF ? 0 : logit;
      }
      targets[i] = random.nextInt(vocab);
      old[i] = (float) (row(i).logProb() + 0.3 * random.nextGaussian());
      reference[i] = (float) (row(i).logProb() + 0.3 * random.nextGaussian());
      advantages[i] = (float) random.nextGaussian();
      weights[i] = 0.1f + random.nextFloat();
    }
  }

  DType dtype() {
    return dtype;
  }

  int vocab() {
    return vocab;
  }

  int target(int i) {
    return targets[i];
  }

  double old(int i) {
    return old[i];
  }

  double reference(int i) {
    return reference[i];
  }

  double advantage(int i) {
    return advantages[i];
  }

  double weight(int i) {
    return weights[i];
  }

  /** lse = log Σe^x, H = lse − Σp·x, Σp² with x = z/T, from the row's maximum on. */
  Row row(int i) {
    double max = Double.NEGATIVE_INFINITY;
    for (double u : z[i]) {
      max = Math.max(max, u / TEMPERATURE);
    }
    double sum = 0;
    double weighted = 0;
    double squares = 0;
    for (double u : z[i]) {
      double x = u / TEMPERATURE - max;
      double e = Math.exp(x);
      sum += e;
      weighted += e * x;
      squares += e * e;
    }
    double lse = max + Math.log(sum);
    return new Row(
        z[i][targets[i]] / TEMPERATURE - lse,
        Math.log(sum) - weighted / sum,
        lse,
        squares / (sum * sum));
  }

  /** New memory with the logits of tokens begin to end − 1 of every row. */
  BytePointer memory(int begin, int end) {
    BytePointer memory = new BytePointer((long) ROWS * (end - begin) * dtype.bytes());
    for (int i = 0; i < ROWS; i++) {
      for (int v = begin; v < end; v++) {
        put(memory, i * (end - begin) + v - begin, z[i][v]);
      }
    }
    return memory;
  }

  Logits view(BytePointer memory, int width) {
    return Logits.of(memory, dtype, ROWS, width);
  }

  LongPointer targets() {
    long[] ids = new long[ROWS];
    for (int i = 0; i < ROWS; i++) {
      ids[i] = targets[i];
    }
    return new LongPointer(ids);
  }

  /** The rows as two sequences, with every array that an objective may read. */
  PolicyBatch batch() {
    FloatPointer w = new FloatPointer(weights);
    return new PolicyBatch(
            targets(),
            new FloatPointer(old),
            new FloatPointer(reference),
            new FloatPointer(advantages),
            w,
            w,
            null)
        .withSequences(new LongPointer(SEQUENCES), false);
  }

  private void put(BytePointer memory, int at, double value) {
    int bits = Float.floatToRawIntBits((float) value);
    switch (dtype) {
      case F32 -> memory.putInt(4L * at, bits);
      case BF16 -> memory.putShort(2L * at, (short) (bits >>> 16));
      case F16 -> {
        int magnitude = value == 0 ? 0 : ((bits & 0x7fffffff) >>> 13) - (112 << 10);
        memory.putShort(2L * at, (short) (((bits >>> 16) & 0x8000) | magnitude));
      }
    }
  }

  double get(BytePointer memory, int at) {
    return switch (dtype) {
      case F32 -> memory.getFloat(4L * at);
      case BF16 -> Float.intBitsToFloat(memory.getShort(2L * at) << 16);
      case F16 -> ofHalf(memory.getShort(2L * at));
    };
  }

  private static double ofHalf(int bits) {
    int exponent = (bits >> 10) & 31;
    int mantissa = bits & 1023;
    double magnitude =
        exponent == 0 ? mantissa * 0x1p-24 : Math.scalb(1024.0 + mantissa, exponent - 25);
    if (exponent == 31) {
      magnitude = Double.POSITIVE_INFINITY; // no right gradient is
    }
    return (bits & 0x8000) == 0 ? magnitude : -magnitude;
  }

  /** What storing a gradient element costs, relative to it; bf16: e^u waits in its memory, too. */
  private double rounding() {
    return switch (dtype) {
      case F32 -> 0x1p-24;
      case BF16 -> 2 * 0x1p-8;
      case F16 -> 0x1p-11;
    };
  }

  /**
   * The first element of a row's gradient that is too far from (1/T)·[g·(1[v = y] − p) − h·p·(log p
   * + H)], in words; null: none.
   *
   * @param gradient of tokens begin to end − 1
   */
  @Nullable String wrongGradient(int i, Slope slope, BytePointer gradient, int begin, int end) {
    Row row = row(i);
    double g = slope.g();
    double h = slope.h();
    double smallest = dtype == DType.F16 ? 0x1p-25 : 1e-37;
    for (int v = begin; v < end; v++) {
      double logP = z[i][v] / TEMPERATURE - row.lse();
      double p = Math.exp(logP);
      int one = v == targets[i] ? 1 : 0;
      double expected = (g * (one - p) - h * p * (logP + row.entropy())) / TEMPERATURE;
      double steepest = Math.abs(g) + Math.abs(h) * (Math.abs(logP) + row.entropy());
      double tolerance =
          1e-5 * steepest * Math.max(one, p) + 1.01 * rounding() * Math.abs(expected) + smallest;
      double got = get(gradient, i * (end - begin) + v - begin);
      if (!(Math.abs(expected - got) <= tolerance)) {
        return "gradient %s of row %d at token %d, not %s".formatted(got, i, v, expected);
      }
    }
    return null;
  }

  /** ∂loss/∂logProb and ∂loss/∂H of a row. */
  record Slope(double g, double h) {}
}
