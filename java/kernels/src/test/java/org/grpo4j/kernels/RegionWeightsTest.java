package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.grpo4j.kernels.RegionWeights.Order;
import org.junit.jupiter.api.Test;

class RegionWeightsTest {
  /** Regions 0, 1, 7 weigh 1, 20 (clamped to 8) and 0.5. */
  private static RegionWeights weights(Order order) {
    return new RegionWeights(List.of(1.0, 20.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5), 0.1, 8, order);
  }

  /** One completion of five tokens, an empty one, one outside every region. */
  private static float[] compute(RegionWeights weights) {
    try (LongPointer offsets = new LongPointer(0, 5, 5, 7);
        // In 0, in 1, in 0 and 7, in 7 but not trained, in 2 (no weight); outside.
        BytePointer regions =
            new BytePointer(
                (byte) 1, (byte) 2, (byte) 129, (byte) 128, (byte) 4, (byte) 0, (byte) 4);
        FloatPointer mask = new FloatPointer(1f, 1f, 1f, 0f, 1f, 1f, 1f);
        FloatPointer out = new FloatPointer(7)) {
      weights.compute(offsets, regions, mask, out);
      float[] values = new float[7];
      out.get(values);
      return values;
    }
  }

  @Test
  void releaseClampsFirst() {
    float mean = (1 + 8 + 1) / 3f;
    assertArrayEquals(
        new float[] {1 / mean, 8 / mean, 1 / mean, 0, 0, 0, 0},
        compute(weights(Order.CLAMP_THEN_MEAN)),
        1e-6f);
  }

  @Test
  void paperDividesFirst() {
    float mean = (1 + 20 + 1) / 3f;
    assertArrayEquals(
        new float[] {1 / mean, 20 / mean, 1 / mean, 0, 0, 0, 0},
        compute(weights(Order.MEAN_THEN_CLAMP)),
        1e-6f);
    RegionWeights narrow = new RegionWeights(List.of(1.0, 20.0), 0.5, 2, Order.MEAN_THEN_CLAMP);
    assertArrayEquals(new float[] {0.5f, 2, 0.5f, 0, 0, 0, 0}, compute(narrow), 1e-6f);
  }

  @Test
  void allTokensCountWithoutAMask() {
    try (FloatPointer out = new FloatPointer(2)) {
      new RegionWeights(List.of(1.0, 3.0), 0.1, 8, Order.CLAMP_THEN_MEAN)
          .compute(new LongPointer(0, 2), new BytePointer((byte) 1, (byte) 2), null, out);
      assertEquals(0.5f, out.get(0));
      assertEquals(1.5f, out.get(1));
    }
  }

  @Test
  void errorsNameTheArgument() {
    assertMessage(
        "sequenceOffsets goes from 0 to 3: want 0 to 2, the number of tokens",
        () ->
            weights(Order.CLAMP_THEN_MEAN)
                .compute(new LongPointer(0, 3), new BytePointer(2), null, new FloatPointer(2)));
    assertMessage(
        "weights has shape [1]: want [2], one element per token",
        () ->
            weights(Order.CLAMP_THEN_MEAN)
                .compute(new LongPointer(0, 2), new BytePointer(2), null, new FloatPointer(1)));
    assertMessage(
        "min is 0.0: want > 0 and finite",
        () -> new RegionWeights(List.of(1.0), 0, 8, Order.CLAMP_THEN_MEAN));
  }

  private static void assertMessage(String expected, Runnable call) {
    assertEquals(expected, assertThrows(IllegalArgumentException.class, call::run).getMessage());
  }
}
