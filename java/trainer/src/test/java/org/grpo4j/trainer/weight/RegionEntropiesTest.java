package org.grpo4j.trainer.weight;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.weight.RegionEntropies.Form;
import org.grpo4j.trainer.weight.RegionEntropies.Mean;
import org.junit.jupiter.api.Test;

final class RegionEntropiesTest {
  private static final WeightByRegion EQUAL = WeightByRegion.of(1, 1, 1, 1, 1);

  private static RegionEntropies batch(RegionEntropies before) {
    return before.updated(
        List.of(List.of(Region.FORMAT, Region.REASONING, Region.REASONING), List.of(Region.FORMAT)),
        List.of(new float[] {0.5f, 1, 2}, new float[] {0.25f}),
        0.75);
  }

  private static RegionEntropies of(double format, double reasoning) {
    return new RegionEntropies(
        Map.of(Region.FORMAT, new Mean(format, 0.5), Region.REASONING, new Mean(reasoning, 0.5)));
  }

  @Test
  void theFirstBatchCountsWhole() {
    Map<Region, Mean> means = batch(RegionEntropies.EMPTY).means();
    assertEquals(
        Map.of(Region.FORMAT, new Mean(0.375, 0.5), Region.REASONING, new Mean(1.5, 0.5)), means);
  }

  @Test
  void laterBatchesMoveTheAverages() {
    Map<Region, Mean> means =
        batch(
                new RegionEntropies(
                    Map.of(
                        Region.FORMAT, new Mean(0.875, 0.25),
                        Region.ARGUMENTS, new Mean(3, 0.75))))
            .means();
    // 0.75 old + 0.25 new.
    assertEquals(new Mean(0.75, 0.3125), means.get(Region.FORMAT));
    assertEquals(new Mean(1.5, 0.125), means.get(Region.REASONING), "its first batch");
    assertEquals(new Mean(3, 0.5625), means.get(Region.ARGUMENTS), "not in this batch");
  }

  @Test
  void anEmptyBatchChangesNothing() {
    RegionEntropies before = of(1, 2);
    assertSame(before, before.updated(List.of(), List.of(), 0.5));
  }

  @Test
  void weightsAreInverseToTheEntropiesAndOfMeanOne() {
    WeightByRegion reciprocal = of(0.5, 2).weights(Form.RECIPROCAL, EQUAL, 0.01, 0.001, 8);
    // 2 and 0.5, over their mean 1.25.
    assertEquals(1.6, reciprocal.of(Region.FORMAT), 1e-12);
    assertEquals(0.4, reciprocal.of(Region.REASONING), 1e-12);
    assertEquals(1, reciprocal.of(Region.TOOL_NAME), "not measured yet");
    WeightByRegion bound = of(0.5, 2).weights(Form.BOUND, EQUAL, 0.01, 0.001, 8);
    double low = 1 / (1 - Math.exp(-0.5));
    double high = 1 / (1 - Math.exp(-2));
    assertEquals(2 * low / (low + high), bound.of(Region.FORMAT), 1e-12);
    assertEquals(2 * high / (low + high), bound.of(Region.REASONING), 1e-12);
  }

  @Test
  void boundsFactorsAndTheLeastEntropy() {
    // Entropy 0 counts as 0.1: weights 10 and 0.5, over 5.25.
    WeightByRegion weights = of(0, 2).weights(Form.RECIPROCAL, EQUAL, 0.1, 0.2, 1.5);
    assertEquals(1.5, weights.of(Region.FORMAT), "w_max");
    assertEquals(0.2, weights.of(Region.REASONING), "w_min");
    WeightByRegion twice =
        of(1, 1).weights(Form.RECIPROCAL, WeightByRegion.of(3, 1, 1, 1, 0), 0.01, 0.001, 8);
    assertEquals(1.5, twice.of(Region.FORMAT), 1e-12);
    assertEquals(0.5, twice.of(Region.REASONING), 1e-12);
    assertEquals(0, twice.of(Region.OTHER));
    WeightByRegion without =
        of(1, 1).weights(Form.RECIPROCAL, WeightByRegion.of(1, 1, 1, 0, 1), 0.01, 0.001, 8);
    assertEquals(0, without.of(Region.REASONING), "w_min does not bring it back");
    assertEquals(1, without.of(Region.FORMAT), 1e-12);
    assertSame(EQUAL, RegionEntropies.EMPTY.weights(Form.BOUND, EQUAL, 0.01, 0.001, 8));
  }
}
