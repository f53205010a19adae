package org.grpo4j.trainer.weight;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.grpo4j.kernels.RegionWeights;
import org.junit.jupiter.api.Test;

/** The kernels' token weights against this package's, on random regions. */
class RegionWeightsTest {
  private final Random random = new Random(20261126);

  @Test
  void theKernelsGiveTheSameWeights() {
    RestCurriculum curriculum = RestCurriculum.release();
    for (int repeat = 0; repeat < 200; repeat++) {
      // Around the 256 lanes of the sum, too.
      int tokens = 1 + random.nextInt(600);
      double step = random.nextInt(400);
      TokenRegions regions = regions(tokens);
      float[] mask = new float[tokens];
      for (int t = 0; t < tokens; t++) {
        mask[t] = random.nextInt(4) == 0 ? 0 : 1;
      }
      assertArrayEquals(
          new RestTokenWeights(curriculum).compute(regions, mask, step),
          kernel(curriculum, step, regions, mask),
          1e-6f);
    }
  }

  /** Overlapping spans anywhere. */
  private TokenRegions regions(int tokens) {
    List<TokenRegions.TokenSpan> spans = new ArrayList<>();
    for (int k = random.nextInt(8); k > 0; k--) {
      int first = random.nextInt(tokens);
      Region region = Region.values()[random.nextInt(Region.values().length)];
      spans.add(
          new TokenRegions.TokenSpan(region, first, first + random.nextInt(tokens - first + 1)));
    }
    return new TokenRegions(
        Stream.generate(() -> Region.OTHER).limit(tokens).toList(), spans, List.of());
  }

  private static float[] kernel(
      RestCurriculum curriculum, double step, TokenRegions regions, float[] mask) {
    byte[] bits = new byte[mask.length];
    for (TokenRegions.TokenSpan span : regions.placed()) {
      for (int t = span.first(); t < span.end(); t++) {
        bits[t] |= (byte) (1 << span.region().ordinal());
      }
    }
    List<Double> weights =
        Stream.of(Region.values()).map(region -> curriculum.weight(region, step)).toList();
    float[] out = new float[mask.length];
    try (FloatPointer memory = new FloatPointer(mask.length)) {
      new RegionWeights(
              weights, curriculum.min(), curriculum.max(), RegionWeights.Order.CLAMP_THEN_MEAN)
          .compute(
              new LongPointer(0, mask.length),
              new BytePointer(bits),
              new FloatPointer(mask),
              memory);
      memory.get(out);
    }
    return out;
  }
}
