package org.grpo4j.trainer.selfcheck;

import java.nio.file.Path;
import java.util.Random;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.grpo4j.kernels.DType;
import org.grpo4j.kernels.Logits;
import org.grpo4j.kernels.PolicyBatch;
import org.grpo4j.kernels.PolicyLoss;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.kernels.RowStatistics;
import org.jspecify.annotations.Nullable;

/**
 * The fused kernel against its formulas in double on random logits: what a new machine can check
 * without any file. f32 and bf16, with and without entropy bonus, vocabularies of one token, of a
 * tail, of loops with a tail, and of many blocks.
 */
final class BuiltinChecks {
  private static final Path NAME = Path.of("built-in");
  private static final int ROWS = 4;
  private static final double TEMPERATURE = 0.9;

  private BuiltinChecks() {}

  /** Runs all cases under the instruction set in use. */
  static void run(CheckReport report) {
    for (DType dtype : new DType[] {DType.F32, DType.BF16}) {
      for (int vocab : new int[] {1, 33, 1003, 50257, 151936}) {
        for (double entropyCoef : new double[] {0, 0.02}) {
          new Case(dtype, vocab, entropyCoef).check(report);
        }
      }
    }
  }

  /** One batch: logits that the dtype holds exactly, and everything else from one seed. */
  private static final class Case {
    private final DType dtype;
    private final int vocab;
    private final double entropyCoef;
    private final double[][] z;
    private final int[] targets = new int[ROWS];
    private final float[] old = new float[ROWS];
    private final float[] advantages = new float[ROWS];
    private final float[] weights = new float[ROWS];

    Case(DType dtype, int vocab, double entropyCoef) {
      this.dtype = dtype;
      this.vocab = vocab;
      this.entropyCoef = entropyCoef;
      Random random = new Random(vocab);
      z = new double[ROWS][vocab];
      for (int i = 0; i < ROWS; i++) {
        for (int v = 0; v < vocab; v++) {
          // The upper half of a float is a bf16.
          int bits = Float.floatToRawIntBits((float) (3 * random.nextGaussian())) & 0xffff0000;
          z[i][v] = Float.intBitsToFloat(bits);
        }
        targets[i] = random.nextInt(vocab);
        old[i] = (float) (row(i)[0] + 0.3 * random.nextGaussian());
        advantages[i] = (float) random.nextGaussian();
        weights[i] = 0.1f + random.nextFloat();
      }
    }

    /** logProb, entropy and lse of a row. */
    private double[] row(int i) {
      double max = Double.NEGATIVE_INFINITY;
      for (double u : z[i]) {
        max = Math.max(max, u / TEMPERATURE);
      }
      double sum = 0;
      double weighted = 0;
      for (double u : z[i]) {
        double x = u / TEMPERATURE - max;
        sum += Math.exp(x);
        weighted += Math.exp(x) * x;
      }
      double lse = max + Math.log(sum);
      return new double[] {
        z[i][targets[i]] / TEMPERATURE - lse, Math.log(sum) - weighted / sum, lse
      };
    }

    void check(CheckReport report) {
      String name = "%s, %d tokens, entropy bonus %s".formatted(dtype, vocab, entropyCoef);
      try (PointerScope scope = new PointerScope()) {
        BytePointer memory = new BytePointer((long) ROWS * vocab * dtype.bytes());
        for (int at = 0; at < ROWS * vocab; at++) {
          put(memory, at, z[at / vocab][at % vocab]);
        }
        long[] ids = new long[ROWS];
        for (int i = 0; i < ROWS; i++) {
          ids[i] = targets[i];
        }
        Logits logits = Logits.of(memory, dtype, ROWS, vocab);
        RowStatistics out = RowStatistics.allocate(ROWS);
        FloatPointer w = new FloatPointer(weights);
        PolicyLossMetrics metrics =
            PolicyLoss.compute(
                logits,
                new PolicyBatch(
                    new LongPointer(ids),
                    new FloatPointer(old),
                    null,
                    new FloatPointer(advantages),
                    w,
                    w,
                    null),
                PolicyLossConfig.builder()
                    .entropyCoef(entropyCoef)
                    .temperature(TEMPERATURE)
                    .build(),
                out,
                logits);
        String problem = compare(metrics, out, memory);
        if (problem == null) {
          report.passed(NAME, name);
        } else {
          report.failed(NAME, name, "the formulas in double", problem);
        }
      }
    }

    private void put(BytePointer memory, int at, double value) {
      int bits = Float.floatToRawIntBits((float) value);
      if (dtype == DType.F32) {
        memory.putInt(4L * at, bits);
      } else {
        memory.putShort(2L * at, (short) (bits >>> 16));
      }
    }

    private double get(BytePointer memory, int at) {
      return dtype == DType.F32
          ? memory.getFloat(4L * at)
          : Float.intBitsToFloat(memory.getShort(2L * at) << 16);
    }

    private @Nullable String compare(
        PolicyLossMetrics metrics, RowStatistics out, BytePointer memory) {
      double loss = 0;
      for (int i = 0; i < ROWS; i++) {
        double[] row = row(i);
        if (!close(row[0], out.logProbs().get(i)) || !close(row[1], out.entropy().get(i))) {
          return "logProb %s and entropy %s of row %d, not %s and %s"
              .formatted(out.logProbs().get(i), out.entropy().get(i), i, row[0], row[1]);
        }
        double a = advantages[i];
        double ratio = Math.exp((double) out.logProbs().get(i) - old[i]);
        double clipped = Math.min(Math.max(ratio, 0.8), 1.2);
        boolean second = -clipped * a > -ratio * a;
        loss +=
            weights[i] * (Math.max(-ratio * a, -clipped * a) - entropyCoef * out.entropy().get(i));
        double g = second && clipped != ratio ? 0 : -weights[i] * ratio * a;
        int wrong = wrongElement(i, row, g, memory);
        if (wrong >= 0) {
          return "gradient %s of row %d at token %d"
              .formatted(get(memory, i * vocab + wrong), i, wrong);
        }
      }
      return Math.abs(loss - metrics.loss()) <= 1e-9
          ? null
          : "loss " + metrics.loss() + ", not " + loss;
    }

    private static boolean close(double expected, double got) {
      return Math.abs(expected - got) <= 2e-6 + 3e-7 * Math.abs(expected);
    }

    /** The first gradient element that is too far off, or −1. */
    private int wrongElement(int i, double[] row, double g, BytePointer memory) {
      double h = -weights[i] * entropyCoef;
      // bf16 once more: e^u waits in the gradient's memory with two bits more than bf16 has.
      double rounding = dtype == DType.F32 ? 0x1p-24 : 0x1p-8 + 0x1p-10;
      for (int v = 0; v < vocab; v++) {
        double logP = z[i][v] / TEMPERATURE - row[2];
        double p = Math.exp(logP);
        int one = v == targets[i] ? 1 : 0;
        double expected = (g * (one - p) - h * p * (logP + row[1])) / TEMPERATURE;
        double slope = Math.abs(g) + Math.abs(h) * (Math.abs(logP) + row[1]);
        double tolerance =
            1e-5 * slope * Math.max(one, p) + 1.01 * rounding * Math.abs(expected) + 1e-37;
        if (!(Math.abs(expected - get(memory, i * vocab + v)) <= tolerance)) {
          return v;
        }
      }
      return -1;
    }
  }
}
