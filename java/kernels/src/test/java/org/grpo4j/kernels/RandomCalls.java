package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.grpo4j.kernels.weight.Aggregation;
import org.grpo4j.kernels.weight.RolloutCorrection;
import org.grpo4j.kernels.weight.TokenMasks;
import org.grpo4j.kernels.weight.TokenWeights;

/** Calls of the public operations. */
final class RandomCalls extends RandomArguments {
  static final List<String> OPERATIONS =
      List.of(
          "tokenStats",
          "logProbs",
          "policyLoss",
          "parts",
          "view",
          "copy",
          "buffer",
          "allocation",
          "groupAdvantages",
          "regionWeights",
          "tokenWeights",
          "tokenMasks");

  RandomCalls(long seed) {
    super(seed);
  }

  String choose() {
    return OPERATIONS.get(random.nextInt(OPERATIONS.size()));
  }

  void run(String operation) {
    switch (operation) {
      case "view" -> view();
      case "copy" -> copy();
      case "buffer" -> buffer();
      case "allocation" -> allocation();
      case "groupAdvantages" -> groupAdvantages();
      case "regionWeights" -> regionWeights();
      case "tokenWeights" -> tokenWeights();
      case "tokenMasks" -> tokenMasks();
      default -> onLogits(operation);
    }
  }

  private void onLogits(String operation) {
    int rows = random.nextInt(5);
    int vocab = 1 + random.nextInt(70);
    DType dtype = dtype();
    Logits logits = matrix(dtype, rows, vocab);
    Logits gradient = random.nextBoolean() ? logits : matrix(dtype, rows, vocab);
    LongPointer listed = random.nextInt(3) == 0 ? longs(random.nextInt(5), rows) : null;
    long n = listed == null ? rows : listed.limit();
    PolicyLossConfig config = config();
    boolean sequences = config.ratioLevel() != RatioLevel.TOKEN || random.nextBoolean();
    LongPointer offsets = sequences && random.nextInt(30) != 0 ? offsets(n) : null;
    long units = offsets == null ? n : offsets.limit() - 1;
    boolean perSequence = offsets != null && random.nextInt(4) == 0;
    PolicyBatch batch =
        new PolicyBatch(
            targets(n, vocab),
            maybe(n),
            config.klCoef() == 0 ? maybe(n) : floats(n),
            floats(perSequence ? units : n),
            floats(n),
            floats(n),
            listed,
            offsets,
            perSequence,
            random.nextInt(9) == 0 ? floats(n) : null);
    RowStatistics out = new RowStatistics(floats(n), floats(n), maybe(n), maybe(n));
    switch (operation) {
      case "tokenStats" -> TokenStats.compute(logits, batch.rows(config), out);
      case "logProbs" -> TokenStats.logProbs(logits, batch.rows(config), floats(n));
      case "parts" -> inParts(logits, batch, config, out, gradient);
      default -> PolicyLoss.compute(logits, batch, config, out, gradient);
    }
  }

  /** Views of 100 floats, of any size. */
  private void view() {
    FloatPointer memory = new FloatPointer(100);
    memory.position(random.nextInt(3) * 10L);
    long rows = oddSize();
    long vocab = oddSize();
    long stride = random.nextBoolean() ? vocab : oddSize();
    Logits logits =
        Logits.of(memory, random.nextInt(9) == 0 ? dtype() : DType.F32, rows, vocab, stride);
    TokenStats.logProbs(
        logits, LogitRows.all(targets(rows, (int) vocab), 1), new FloatPointer(rows));
  }

  private void copy() {
    int rows = random.nextInt(4);
    int vocab = 1 + random.nextInt(9);
    float[] values = new float[(int) near((long) rows * vocab)];
    Logits logits =
        random.nextInt(20) == 0
            ? Logits.copyOf(values, oddSize(), oddSize())
            : Logits.copyOf(values, rows, vocab);
    logits.copyTo(new float[(int) near(values.length)]);
  }

  /** Direct and heap buffers, read-only ones among them, in either byte order. */
  private void buffer() {
    int rows = random.nextInt(4);
    int vocab = 1 + random.nextInt(9);
    ByteBuffer bytes =
        random.nextInt(30) == 0
            ? ByteBuffer.allocate(rows * vocab * 4)
            : ByteBuffer.allocateDirect((int) near((long) rows * vocab) * 4);
    bytes.order(random.nextInt(30) == 0 ? ByteOrder.BIG_ENDIAN : ByteOrder.nativeOrder());
    Buffer given =
        switch (random.nextInt(12)) {
          case 0 -> bytes.asIntBuffer();
          case 1 -> bytes.asReadOnlyBuffer().order(bytes.order());
          case 2 -> bytes.asShortBuffer();
          case 3, 4, 5 -> bytes;
          default -> bytes.asFloatBuffer();
        };
    if (given instanceof FloatBuffer && given.limit() > 0 && random.nextInt(9) == 0) {
      given.position(random.nextInt(given.limit()));
    }
    Logits logits = Logits.of(given, DType.F32, rows, vocab);
    FloatPointer ones = new FloatPointer(rows);
    PolicyBatch batch = new PolicyBatch(targets(rows, vocab), null, null, ones, ones, ones, null);
    PolicyLoss.compute(
        logits, batch, PolicyLossConfig.defaults(), RowStatistics.allocate(rows), logits);
  }

  private void allocation() {
    long rows = oddSize();
    try (RowStates states = RowStates.allocate(oddSize(), rows);
        RowSlopes slopes = RowSlopes.allocate(rows);
        RowStatistics out = RowStatistics.allocate(rows)) {
      long last = near(Math.max(0, rows - 1));
      if (random.nextInt(9) == 0) {
        slopes.close();
        states.close();
      }
      slopes.set(last, 1, random.nextInt(9) == 0 ? Double.NaN : 2);
      slopes.values().get();
      states.bytes(near(states.shards() - 1)).get();
      assertEquals(rows, out.logProbs().limit());
    }
  }

  private void groupAdvantages() {
    long n = random.nextInt(9);
    GroupAdvantages.Estimator[] estimators = GroupAdvantages.Estimator.values();
    GroupAdvantages.Scale[] scales = GroupAdvantages.Scale.values();
    IntPointer lengths = null;
    if (random.nextInt(4) != 0) {
      lengths = new IntPointer(near(n));
      for (long i = 0; i < lengths.limit(); i++) {
        lengths.put(i, random.nextInt(90) == 0 ? -3 : random.nextInt(5));
      }
    }
    new GroupAdvantages(
            estimators[random.nextInt(estimators.length)],
            scales[random.nextInt(scales.length)],
            random.nextInt(30) == 0 ? random.nextGaussian() : 1e-6)
        .compute(offsets(n), floats(n), lengths, floats(n));
  }

  private void regionWeights() {
    long n = random.nextInt(9);
    List<Double> weights =
        random.doubles(random.nextInt(20) == 0 ? 9 : random.nextInt(9), -0.01, 2).boxed().toList();
    RegionWeights.Order[] orders = RegionWeights.Order.values();
    BytePointer regions = new BytePointer(near(n));
    for (long i = 0; i < regions.limit(); i++) {
      regions.put(i, (byte) random.nextInt());
    }
    regions = spoiled(regions);
    new RegionWeights(
            weights,
            random.nextInt(30) == 0 ? 0 : 0.1,
            random.nextInt(30) == 0 ? Double.NaN : 8,
            orders[random.nextInt(orders.length)])
        .compute(offsets(n), regions, maybe(n), floats(n));
  }

  private void tokenWeights() {
    int[] lengths = lengths();
    Aggregation[] aggregations = Aggregation.values();
    TokenWeights.Input in =
        TokenWeights.Input.of(
            mask(lengths),
            aggregations[random.nextInt(aggregations.length)],
            random.nextInt(20) == 0 ? -1 : 5);
    if (random.nextBoolean()) {
      in = in.withTokenWeights(tokens(lengths));
    }
    if (random.nextBoolean()) {
      RolloutCorrection correction =
          random.nextBoolean()
              ? RolloutCorrection.truncate((double) near(2) - 0.5)
              : RolloutCorrection.mask(0.5, (double) near(1));
      in =
          in.withCorrection(
              correction.factors(tokens(lengths), tokens(lengths), in.completionMask()));
    }
    if (random.nextInt(3) == 0) {
      in = in.withMicroBatches((int) near(lengths.length), random.nextInt(9) == 0 ? -1 : 0);
    }
    TokenWeights.compute(in);
  }

  private void tokenMasks() {
    int[] lengths = lengths();
    float[][] mask = mask(lengths);
    float[][] top =
        TokenMasks.topEntropy(mask, doubles(tokens(lengths)), 1.02 * random.nextDouble());
    double[] advantages = random.doubles(near(lengths.length)).toArray();
    float[][] onPolicy =
        TokenMasks.offPolicySequences(
            advantages, doubles(tokens(lengths)), doubles(tokens(lengths)), mask, 0.1);
    TokenMasks.product(top, onPolicy);
  }

  private static double[][] doubles(float[][] values) {
    double[][] wide = new double[values.length][];
    for (int i = 0; i < wide.length; i++) {
      wide[i] = values[i] == null ? null : new double[values[i].length];
      for (int t = 0; wide[i] != null && t < wide[i].length; t++) {
        wide[i][t] = values[i][t];
      }
    }
    return wide;
  }

  private void inParts(
      Logits logits,
      PolicyBatch batch,
      PolicyLossConfig config,
      RowStatistics out,
      Logits gradient) {
    long n = near(logits.rows());
    try (RowStates states = RowStates.allocate(1 + random.nextInt(2), n);
        RowStates apart = RowStates.allocate(near(n));
        RowSlopes slopes = RowSlopes.allocate(near(n))) {
      RowStates merged = states.shards() == 1 && random.nextBoolean() ? states : apart;
      VocabShard shard = new VocabShard(random.nextInt(3), logits.vocab() + random.nextInt(3));
      RowStates.compute(logits, batch.rows(config), shard, states, random.nextInt(2));
      MergeStates.compute(states, batch.rows(config), merged, out);
      Objective.compute(batch, config, out, slopes);
      LogitsGradient.compute(logits, batch.rows(config), shard, merged, slopes, gradient);
    }
  }
}
