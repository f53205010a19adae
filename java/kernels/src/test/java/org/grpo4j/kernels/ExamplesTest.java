package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.junit.jupiter.api.Test;
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

  @Test
  void directBuffer() {
    FloatBuffer logits =
        ByteBuffer.allocateDirect(2 * 4 * 4).order(ByteOrder.nativeOrder()).asFloatBuffer();
    logits.put(LOGITS).rewind();
    Logits view = Logits.of(logits, DType.F32, 2, 4);
    PolicyLossConfig config = PolicyLossConfig.builder().clipHigh(0.28).build();
    PolicyLoss.compute(view, batch(), config, RowStatistics.allocate(2), view);
    float[] gradient = new float[8];
    logits.get(gradient);
    assertArrayEquals(expected(), gradient, 1e-6f);
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

  /** An ND4J array in C order; its memory is a JavaCPP pointer, and receives the gradient. */
  @Test
  void nd4j() {
    INDArray logits = Nd4j.create(new float[][] {{1, 2, 3, 4}, {4, 3, 2, 1}});
    Logits view = Logits.of(logits.data().pointer(), DType.F32, 2, 4);
    PolicyLoss.compute(view, batch(), PolicyLossConfig.defaults(), RowStatistics.allocate(2), view);
    assertArrayEquals(expected(), logits.ravel().toFloatVector(), 1e-6f);
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
