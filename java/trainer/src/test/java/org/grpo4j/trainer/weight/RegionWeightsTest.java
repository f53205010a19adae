package org.grpo4j.trainer.weight;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.grpo4j.kernels.RegionWeights;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The kernels' token weights against this package's, on random regions. */
class RegionWeightsTest {
  private static final List<Region> REGIONS = List.of(Region.values());

  private final Random random = new Random(20261126);

  @ParameterizedTest
  @EnumSource(RegionWeights.Order.class)
  void theKernelsGiveTheSameWeights(RegionWeights.Order order) {
    RestTokenWeights plain =
        new RestTokenWeights(0.3, 1.6, order == RegionWeights.Order.CLAMP_THEN_MEAN);
    for (int repeat = 0; repeat < 200; repeat++) {
      // Around the 256 lanes of the sum, too.
      int tokens = 1 + random.nextInt(600);
      WeightByRegion byRegion =
          RestCurriculum.release().at(WeightByRegion.release(), random.nextInt(400), 0);
      TokenRegions regions = regions(tokens);
      float[] mask = new float[tokens];
      for (int t = 0; t < tokens; t++) {
        mask[t] = random.nextInt(4) == 0 ? 0 : 1;
      }
      assertArrayEquals(
          plain.compute(regions.sets(), mask, byRegion),
          kernel(plain, order, byRegion, regions.sets(), mask),
          1e-6f);
    }
  }

  /** Overlapping spans anywhere. */
  private TokenRegions regions(int tokens) {
    List<TokenRegions.TokenSpan> spans = new ArrayList<>();
    for (int k = random.nextInt(8); k > 0; k--) {
      int first = random.nextInt(tokens);
      Region region = REGIONS.get(random.nextInt(REGIONS.size()));
      spans.add(
          new TokenRegions.TokenSpan(region, first, first + random.nextInt(tokens - first + 1)));
    }
    return new TokenRegions(
        Stream.generate(() -> Region.OTHER).limit(tokens).toList(), spans, List.of());
  }

  private static float[] kernel(
      RestTokenWeights plain,
      RegionWeights.Order order,
      WeightByRegion byRegion,
      byte[] sets,
      float[] mask) {
    List<Double> weights = DoubleStream.of(byRegion.byBit()).boxed().toList();
    float[] out = new float[mask.length];
    try (FloatPointer memory = new FloatPointer(mask.length)) {
      new RegionWeights(weights, plain.min(), plain.max(), order)
          .compute(
              new LongPointer(0, mask.length),
              new BytePointer(sets),
              new FloatPointer(mask),
              memory);
      memory.get(out);
    }
    return out;
  }
}
