package org.grpo4j.trainer.weight;

import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Measured entropies of the regions: moving averages over the batches of a run, which its
 * checkpoints keep.
 *
 * @param means of the regions that occurred so far; empty before the first batch
 */
public record RegionEntropies(Map<Region, Mean> means) {
  /** Before the first batch. */
  public static final RegionEntropies EMPTY = new RegionEntropies(Map.of());

  /**
   * A region's averages.
   *
   * @param entropy mean over its tokens, nats
   * @param share its part of all tokens
   */
  public record Mean(double entropy, double share) {}

  public RegionEntropies {
    means =
        means.isEmpty() ? Map.of() : Collections.unmodifiableMap(new EnumMap<Region, Mean>(means));
  }

  /**
   * The averages after a batch: decay · old + (1 − decay) · batch mean. A region starts with its
   * first batch mean; one that the batch lacks keeps its entropy and its share fades.
   *
   * @param regions of each completion's tokens
   * @param entropies of the same tokens, nats
   * @param decay in [0, 1); 0 forgets all but the latest batch
   */
  public RegionEntropies updated(
      List<List<Region>> regions, List<float[]> entropies, double decay) {
    double[] sums = new double[Region.values().length];
    long[] counts = new long[sums.length];
    long tokens = 0;
    for (int i = 0; i < regions.size(); i++) {
      List<Region> of = regions.get(i);
      for (int t = 0; t < of.size(); t++) {
        sums[of.get(t).bit()] += entropies.get(i)[t];
        counts[of.get(t).bit()]++;
        tokens++;
      }
    }
    if (tokens == 0) {
      return this;
    }
    double old = means.isEmpty() ? 0 : decay;
    Map<Region, Mean> next = new EnumMap<>(Region.class);
    for (Region region : Region.values()) {
      int k = region.bit();
      Mean before = means.get(region);
      double share = (1 - old) * counts[k] / tokens + old * (before == null ? 0 : before.share());
      if (counts[k] > 0) {
        double batch = sums[k] / counts[k];
        double entropy = before == null ? batch : old * before.entropy() + (1 - old) * batch;
        next.put(region, new Mean(entropy, share));
      } else if (before != null) {
        next.put(region, new Mean(before.entropy(), share));
      }
    }
    return new RegionEntropies(next);
  }

  /** How a region's entropy H̄ becomes its weight. */
  public enum Form {
    /** 1 / (1 − e^(−H̄)): the inverse of the bound on the variance of ∇ log p. */
    BOUND,
    /** 1 / H̄. */
    RECIPROCAL
  }

  /**
   * Weights inverse to the entropies, of mean 1 over the tokens seen and within [min, max].
   *
   * @param factors of the regions, 0 leaves one out
   * @param leastEntropy a lower H̄ counts as this, nats, positive
   * @return {@code factors} themselves while nothing was measured; a region that has not occurred
   *     counts as one of mean weight
   */
  public WeightByRegion weights(
      Form form, WeightByRegion factors, double leastEntropy, double min, double max) {
    double sum = 0;
    double tokens = 0;
    for (Map.Entry<Region, Mean> entry : means.entrySet()) {
      double factor = factors.of(entry.getKey());
      if (factor > 0) {
        Mean mean = entry.getValue();
        sum += mean.share() * factor * inverse(form, Math.max(mean.entropy(), leastEntropy));
        tokens += mean.share();
      }
    }
    if (sum == 0) {
      return factors;
    }
    Map<Region, Double> weights = new EnumMap<>(Region.class);
    for (Region region : Region.values()) {
      Mean mean = means.get(region);
      double factor = factors.of(region);
      double scaled =
          mean == null
              ? factor
              : factor * inverse(form, Math.max(mean.entropy(), leastEntropy)) * tokens / sum;
      weights.put(region, factor == 0 ? 0 : Math.min(Math.max(scaled, min), max));
    }
    return new WeightByRegion(weights);
  }

  private static double inverse(Form form, double entropy) {
    return switch (form) {
      case BOUND -> -1 / Math.expm1(-entropy);
      case RECIPROCAL -> 1 / entropy;
    };
  }
}
