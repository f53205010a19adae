package org.grpo4j.trainer.weight;

import java.util.EnumMap;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;

/**
 * One weight per region, before a completion's weights are normalised. 0 takes the region's tokens
 * out of the policy term.
 *
 * @param values of every region, each at least 0
 */
public record WeightByRegion(Map<Region, Double> values) {
  public WeightByRegion {
    Map<Region, Double> copy = new EnumMap<>(Region.class);
    for (Region region : Region.values()) {
      Double value = values.get(region);
      if (value == null || !(value >= 0) || value.isInfinite()) {
        throw new IllegalArgumentException(
            "weight of " + region + " is " + value + ": want a finite number of at least 0");
      }
      copy.put(region, value);
    }
    values = java.util.Collections.unmodifiableMap(copy);
  }

  /** ResT's release at step 0: tags 1.0, tool name 1.2, arguments and reasoning 0.6, the rest 0. */
  public static WeightByRegion release() {
    return of(1.0, 1.2, 0.6, 0.6, 0);
  }

  /** By the order of their names. */
  public static WeightByRegion of(
      double format, double name, double arguments, double reasoning, double other) {
    return new WeightByRegion(
        Map.of(
            Region.FORMAT, format,
            Region.TOOL_NAME, name,
            Region.ARGUMENTS, arguments,
            Region.REASONING, reasoning,
            Region.OTHER, other));
  }

  /** The weight of a region. */
  public double of(Region region) {
    return values.getOrDefault(region, 0.0);
  }

  /** The same with one region's positive weight changed; a weight of 0 stays 0. */
  WeightByRegion with(Region region, DoubleUnaryOperator change) {
    double value = of(region);
    if (value == 0) {
      return this;
    }
    Map<Region, Double> changed = new EnumMap<>(values);
    changed.put(region, change.applyAsDouble(value));
    return new WeightByRegion(changed);
  }

  /** By bit of a token's region set: element k is the weight of the region of bit k. */
  public double[] byBit() {
    double[] weights = new double[Region.values().length];
    for (Region region : Region.values()) {
      weights[region.bit()] = of(region);
    }
    return weights;
  }
}
