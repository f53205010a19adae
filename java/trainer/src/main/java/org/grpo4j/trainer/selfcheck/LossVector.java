package org.grpo4j.trainer.selfcheck;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
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
import org.grpo4j.kernels.TokenStats;
import org.grpo4j.torch.InputException;
import org.jspecify.annotations.Nullable;

/**
 * One case of a loss vector in float32, as the kernels take it: logits [B, T, V] as B·T rows, and
 * the arrays [B, T] and [B] beside them.
 */
final class LossVector {
  /** What one call gave: loss and metrics, and the gradient [B·T·V]. */
  @SuppressWarnings("ArrayRecordComponent") // compared element by element, never as a record
  record Result(PolicyLossMetrics metrics, double[] gradient) {}

  /** Log-prob and entropy of every token, masked ones too, [B·T]. */
  @SuppressWarnings("ArrayRecordComponent")
  record Statistics(double[] logProbs, double[] entropies) {}

  final int sequences;
  final int length;
  final int vocab;
  final double temperature;
  final float[][] mask;
  final double[] advantages;
  final double @Nullable [] oldLogProbs;
  private final double @Nullable [] refLogProbs;
  private final double[] logits;
  private final long[] targets;
  private @Nullable Statistics exact; // computed when it is first asked for

  LossVector(JsonNode vector) {
    double[] shape = VectorFiles.numbers(vector, "shape");
    if (shape.length != 3) {
      throw new InputException("field shape has " + shape.length + " values; want [B, T, V]");
    }
    sequences = (int) shape[0];
    length = (int) shape[1];
    vocab = (int) shape[2];
    temperature = VectorFiles.number(vector, "temperature", 1);
    int rows = sequences * length;
    logits = array(vector, "logits", rows * vocab);
    double[] ids = array(vector, "completion_ids", rows);
    targets = Arrays.stream(ids).mapToLong(id -> (long) id).toArray();
    mask = perToken(array(vector, "completion_mask", rows));
    advantages = array(vector, "advantages", sequences);
    oldLogProbs = optional(vector, "old_log_probs", rows);
    refLogProbs = optional(vector, "ref_log_probs", rows);
  }

  private static double[] array(JsonNode vector, String field, int size) {
    double[] values = VectorFiles.numbers(vector, field);
    if (values.length != size) {
      throw new InputException(
          "field " + field + " has " + values.length + " values; the shape wants " + size);
    }
    return values;
  }

  /** A field [B, T] that may be absent or null. */
  static double @Nullable [] optional(JsonNode vector, String field, int size) {
    return vector.path(field).isMissingNode() || vector.path(field).isNull()
        ? null
        : array(vector, field, size);
  }

  private static float[] floats(double[] values) {
    float[] out = new float[values.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) values[i];
    }
    return out;
  }

  /** [B·T] as [B][T]. */
  float[][] perToken(double[] values) {
    float[][] out = new float[sequences][];
    for (int i = 0; i < sequences; i++) {
      out[i] = floats(Arrays.copyOfRange(values, i * length, (i + 1) * length));
    }
    return out;
  }

  /** [B·T] as [B][T]. */
  double[][] rows(double[] values) {
    double[][] out = new double[sequences][];
    for (int i = 0; i < sequences; i++) {
      out[i] = Arrays.copyOfRange(values, i * length, (i + 1) * length);
    }
    return out;
  }

  int rows() {
    return sequences * length;
  }

  /** Trained tokens of one sequence. */
  double tokens(int sequence) {
    double tokens = 0;
    for (float m : mask[sequence]) {
      tokens += m;
    }
    return tokens;
  }

  /**
   * Log-probs and entropies in double, of the numbers as the file has them. Only for what is
   * decided by a threshold: where an entropy is the quantile itself, or the policy is the one that
   * sampled, the reference decides by float64 digits that float32 does not have.
   */
  Statistics exactStatistics() {
    if (exact == null) {
      exact = computeExactStatistics();
    }
    return exact;
  }

  private Statistics computeExactStatistics() {
    double[] logProbs = new double[rows()];
    double[] entropies = new double[rows()];
    for (int row = 0; row < rows(); row++) {
      double max = Double.NEGATIVE_INFINITY;
      for (int v = 0; v < vocab; v++) {
        max = Math.max(max, scaled(row, v));
      }
      double sum = 0;
      double weighted = 0;
      for (int v = 0; v < vocab; v++) {
        double u = scaled(row, v) - max;
        sum += Math.exp(u);
        weighted += u == Double.NEGATIVE_INFINITY ? 0 : Math.exp(u) * u;
      }
      entropies[row] = Math.log(sum) - weighted / sum;
      // An id outside the vocabulary is the kernels' to report.
      int target = (int) Math.min(Math.max(targets[row], 0), vocab - 1);
      logProbs[row] = scaled(row, target) - max - Math.log(sum);
    }
    return new Statistics(logProbs, entropies);
  }

  private double scaled(int row, int v) {
    return logits[row * vocab + v] / temperature;
  }

  /**
   * Magnitude of the log-probs whose rounding the loss inherits: the largest of a trained token's,
   * its old one and the reference's; of a sum over a sequence's tokens the root of the sum of their
   * squares, as independent roundings add up.
   */
  double magnitude(boolean summed) {
    double[] logProbs = exactStatistics().logProbs();
    double largest = 0;
    for (int i = 0; i < sequences; i++) {
      double squares = 0;
      for (int row = i * length; row < (i + 1) * length; row++) {
        if (mask[i][row % length] != 0) {
          double old = oldLogProbs == null ? 0 : oldLogProbs[row];
          double ref = refLogProbs == null ? 0 : refLogProbs[row];
          double token = Math.max(Math.abs(logProbs[row]), Math.max(Math.abs(old), Math.abs(ref)));
          squares = summed ? squares + token * token : Math.max(squares, token * token);
        }
      }
      largest = Math.max(largest, Math.sqrt(squares));
    }
    return largest;
  }

  /**
   * Largest |∂loss/∂logProb| of a row, seen from the gradient [B·T·V] at its target: that is the
   * slope times 1 − p, which float32 does not know better than to 6e-8 where p is near 1.
   */
  double largestSlope(double[] gradient) {
    double[] logProbs = exactStatistics().logProbs();
    double largest = 0;
    for (int row = 0; row < rows(); row++) {
      double rest = -Math.expm1(logProbs[row]);
      if (rest > 1e-8) { // Below it the nine decimals of a file say nothing.
        double element = gradient[row * vocab + (int) targets[row]];
        largest = Math.max(largest, Math.abs(element * temperature) / rest);
      }
    }
    return largest;
  }

  Statistics statistics() {
    try (PointerScope scope = new PointerScope()) {
      RowStatistics out = RowStatistics.allocate(rows());
      TokenStats.compute(
          matrix(new FloatPointer(floats(logits))),
          new LongPointer(targets),
          null,
          temperature,
          out);
      return new Statistics(doubles(out.logProbs()), doubles(out.entropy()));
    }
  }

  /** The same case under other old log-probs. */
  LossVector withOldLogProbs(double[] values) {
    return new LossVector(this, values, mask);
  }

  /** The same case with every token trained, under other old log-probs. */
  LossVector unmasked(double @Nullable [] oldLogProbs) {
    float[][] ones = new float[sequences][length];
    for (float[] row : ones) {
      Arrays.fill(row, 1);
    }
    return new LossVector(this, oldLogProbs, ones);
  }

  private LossVector(LossVector other, double @Nullable [] oldLogProbs, float[][] mask) {
    this.sequences = other.sequences;
    this.length = other.length;
    this.vocab = other.vocab;
    this.temperature = other.temperature;
    this.mask = mask;
    this.advantages = other.advantages;
    this.oldLogProbs = oldLogProbs;
    this.refLogProbs = other.refLogProbs;
    this.logits = other.logits;
    this.targets = other.targets;
  }

  /** Loss and gradient of all rows with the weights given, [B][T] each. */
  Result run(PolicyLossConfig config, float[][] policyWeights, float[][] regularizerWeights) {
    try (PointerScope scope = new PointerScope()) {
      FloatPointer memory = new FloatPointer(floats(logits));
      PolicyLossMetrics metrics =
          PolicyLoss.compute(
              matrix(memory),
              batch(0, sequences, policyWeights, regularizerWeights, null),
              config,
              RowStatistics.allocate(rows()),
              matrix(memory));
      return new Result(metrics, doubles(memory));
    }
  }

  /** The metrics of one sequence's trained tokens alone, by a list of its rows. */
  PolicyLossMetrics sequenceMetrics(int sequence, PolicyLossConfig config) {
    float[][] ones = new float[sequences][];
    for (int i = 0; i < sequences; i++) {
      ones[i] = mask[i].clone();
    }
    try (PointerScope scope = new PointerScope()) {
      FloatPointer memory = new FloatPointer(floats(logits));
      long[] rows = new long[length];
      Arrays.setAll(rows, t -> (long) sequence * length + t);
      return PolicyLoss.compute(
          matrix(memory),
          batch(sequence, sequence + 1, ones, ones, new LongPointer(rows)),
          config,
          RowStatistics.allocate(length),
          matrix(memory));
    }
  }

  private Logits matrix(FloatPointer memory) {
    return Logits.of(memory, DType.F32, rows(), vocab);
  }

  private PolicyBatch batch(
      int from,
      int to,
      float[][] policyWeights,
      float[][] regularizers,
      @Nullable LongPointer rows) {
    int first = from * length;
    int end = to * length;
    float[] perRow = new float[end - first];
    for (int i = 0; i < perRow.length; i++) {
      perRow[i] = (float) advantages[(first + i) / length];
    }
    long[] offsets = new long[to - from + 1];
    Arrays.setAll(offsets, i -> (long) i * length);
    return new PolicyBatch(
            new LongPointer(Arrays.copyOfRange(targets, first, end)),
            slice(oldLogProbs, first, end),
            slice(refLogProbs, first, end),
            new FloatPointer(perRow),
            flatten(policyWeights, from, to),
            flatten(regularizers, from, to),
            rows)
        .withSequences(new LongPointer(offsets), false);
  }

  private static @Nullable FloatPointer slice(double @Nullable [] values, int first, int end) {
    return values == null ? null : new FloatPointer(floats(Arrays.copyOfRange(values, first, end)));
  }

  private FloatPointer flatten(float[][] values, int from, int to) {
    float[] flat = new float[(to - from) * length];
    for (int i = from; i < to; i++) {
      System.arraycopy(values[i], 0, flat, (i - from) * length, length);
    }
    return new FloatPointer(flat);
  }

  private static double[] doubles(FloatPointer pointer) {
    float[] values = new float[Math.toIntExact(pointer.limit())];
    pointer.get(values);
    double[] out = new double[values.length];
    Arrays.setAll(out, i -> values[i]);
    return out;
  }
}
