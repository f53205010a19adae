package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.grpo4j.fixtures.Readme;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The README's ways in, ten lines each, with what they give worked out by hand. */
class ExamplesTest {
  /** Two tokens of four: logits, their targets, advantages 1 and −1, on policy, token mean. */
  private static final float[] LOGITS = {1, 2, 3, 4, 4, 3, 2, 1};

  /** −A·w·(1[v = y] − p) with p = softmax(1, 2, 3, 4). */
  private static float[] expected() {
    double sum = Math.exp(1) + Math.exp(2) + Math.exp(3) + Math.exp(4);
    float[] gradient = new float[8];
    for (int v = 0; v < 4; v++) {
      double p = Math.exp(v + 1) / sum;
      gradient[v] = (float) (-0.5 * ((v == 3 ? 1 : 0) - p));
      gradient[7 - v] = -gradient[v];
    }
    return gradient;
  }

  private static PolicyBatch batch() {
    return new PolicyBatch(
        new LongPointer(3, 0),
        null,
        null,
        new FloatPointer(1f, -1f),
        new FloatPointer(0.5f, 0.5f),
        new FloatPointer(0f, 0f),
        null);
  }

  /** The README's first example, word for word. */
  @Test
  void directBuffer() throws IOException {
    Readme.assertRunBy(ExamplesTest.class, "ByteBuffer.allocateDirect");
    FloatBuffer logits =
        ByteBuffer.allocateDirect(2 * 4 * 4).order(ByteOrder.nativeOrder()).asFloatBuffer();
    logits.put(new float[] {1, 2, 3, 4, 4, 3, 2, 1}).rewind(); // N = 2 tokens, V = 4
    Logits view = Logits.of(logits, DType.F32, 2, 4); // the same memory, no copy
    PolicyBatch batch =
        PolicyBatch.builder(new LongPointer(3, 0)) // the sampled tokens
            .oldLogProbs(
                new FloatPointer(-0.44f, -0.44f)) // when they were sampled; left out: on policy
            .advantages(new FloatPointer(1f, -1f))
            .policyWeights(new FloatPointer(0.5f, 0.5f)) // here the token mean
            .regularizerWeights(new FloatPointer(0f, 0f)) // of KL and entropy
            .build();
    PolicyLossConfig config = PolicyLossConfig.builder().clipHigh(0.28).build();
    RowStatistics out = RowStatistics.allocateLogProbsAndEntropy(2);
    PolicyLossMetrics metrics = PolicyLoss.compute(view, batch, config, out, view);
    assertEquals(0, metrics.loss(), 1e-6); // ratios of two equal log-probs, opposite advantages
    // Slopes are those on policy times the ratio.
    float ratio = (float) Math.exp(out.logProbs().get(0) + 0.44f);
    float[] gradient = new float[8];
    logits.get(gradient);
    for (int k = 0; k < 8; k++) {
      assertEquals(expected()[k] * ratio, gradient[k], 1e-6f);
    }
  }

  @Test
  void heapArray() {
    Logits logits = Logits.copyOf(LOGITS, 2, 4); // copies, there and back
    PolicyLossMetrics metrics =
        PolicyLoss.compute(
            logits, batch(), PolicyLossConfig.defaults(), RowStatistics.allocate(2), logits);
    float[] gradient = new float[8];
    logits.copyTo(gradient);
    assertArrayEquals(expected(), gradient, 1e-6f);
    assertEquals(0, metrics.loss(), 1e-12); // −1·1/2 + 1·1/2
  }

  @Test
  void pointers() {
    try (FloatPointer logits = new FloatPointer(LOGITS);
        FloatPointer gradient = new FloatPointer(8);
        RowStatistics statistics = RowStatistics.allocate(2)) {
      PolicyLoss.compute(
          Logits.of(logits, DType.F32, 2, 4),
          batch(),
          PolicyLossConfig.defaults(),
          statistics,
          Logits.of(gradient, DType.F32, 2, 4));
      float[] values = new float[8];
      gradient.get(values);
      assertArrayEquals(expected(), values, 1e-6f);
      assertEquals(4, logits.get(3)); // out of place: the logits are still there
    }
  }

  /** An ND4J array of another type and order, copied to one whose memory receives the gradient. */
  @Test
  void nd4j() {
    INDArray array = Nd4j.create(new double[][] {{1, 4}, {2, 3}, {3, 2}, {4, 1}}).transpose();
    INDArray c = array.castTo(DataType.FLOAT).dup('c');
    Logits view = Logits.of(c.data().pointer(), DType.F32, 2, 4);
    PolicyLoss.compute(view, batch(), PolicyLossConfig.defaults(), RowStatistics.allocate(2), view);
    assertArrayEquals(expected(), c.ravel().toFloatVector(), 1e-6f);
    assertThrows(
        IllegalArgumentException.class, () -> Logits.of(array.data().pointer(), DType.F32, 2, 4));
  }

  /** GSPO: one ratio per sequence, here both tokens'. */
  @Test
  void sequenceLevel() {
    PolicyLossConfig gspo =
        PolicyLossConfig.builder()
            .objective(
                new PolicyObjective.Clip(
                    3e-4, 4e-4, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY))
            .ratioLevel(RatioLevel.SEQUENCE)
            .build();
    Logits logits = Logits.copyOf(LOGITS, 2, 4);
    PolicyLossMetrics metrics =
        PolicyLoss.compute(
            logits,
            batch().withSequences(new LongPointer(0, 2), false),
            gspo,
            RowStatistics.allocate(2),
            logits);
    assertEquals(1, metrics.units());
  }
}
