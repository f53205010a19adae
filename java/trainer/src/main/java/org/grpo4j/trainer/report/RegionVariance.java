package org.grpo4j.trainer.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.grpo4j.trainer.statistics.Interval;

/**
 * A region's tokens and what one of them contributes to the variance of the gradient.
 *
 * @param tokens of the region
 * @param perToken variance of the gradient of the mean over the region's tokens, times their
 *     number, to that of the region of the lowest entropy; interval over the pairs of rollouts
 */
record RegionVariance(VarianceReport.Tokens tokens, Interval perToken) {

  /**
   * The regions from the lowest entropy; those without a gradient of their own are left out.
   *
   * @param gradients those named after a region have the tokens of that region alone
   */
  static List<RegionVariance> of(
      List<VarianceReport.Tokens> regions, List<VarianceReport.Gradient> gradients) {
    List<VarianceReport.Tokens> sorted =
        regions.stream()
            .filter(r -> gradients.stream().anyMatch(g -> g.name().equals(r.name())))
            .sorted(Comparator.comparingDouble(VarianceReport.Tokens::entropy))
            .toList();
    List<RegionVariance> result = new ArrayList<>();
    for (VarianceReport.Tokens region : sorted) {
      double[] own = perToken(region, gradients);
      double[] lowest = perToken(sorted.get(0), gradients);
      result.add(new RegionVariance(region, Interval.ofRatio(own, lowest, own.length)));
    }
    return result;
  }

  private static double[] perToken(
      VarianceReport.Tokens region, List<VarianceReport.Gradient> gradients) {
    double[] variances =
        gradients.stream()
            .filter(g -> g.name().equals(region.name()))
            .findFirst()
            .orElseThrow()
            .variances();
    return Arrays.stream(variances).map(v -> v * region.tokens()).toArray();
  }
}
