package org.grpo4j.trainer.recipe;

import java.util.LinkedHashMap;
import java.util.Map;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.jspecify.annotations.Nullable;

/** What one optimizer step measured, added up over its micro-batches; read once, after the step. */
final class UpdateMetrics {
  private final boolean fresh;
  private final double learningRate;
  private long rows;
  private double units;
  private double loss;
  private double kl;
  private double entropy;
  private double clippedLow;
  private double clippedHigh;
  private double ratioMin = Double.POSITIVE_INFINITY;
  private double ratioMax = Double.NEGATIVE_INFINITY;
  private double gradNorm = Double.NaN;
  private final RegionGradients regions = new RegionGradients();
  private GradientHalves.@Nullable Estimate gradient;

  /**
   * @param fresh whether the policy has not changed since it sampled: then every ratio should be 1
   */
  UpdateMetrics(boolean fresh, double learningRate) {
    this.fresh = fresh;
    this.learningRate = learningRate;
  }

  void add(PolicyLossMetrics part) {
    rows += part.rows();
    units += part.units();
    loss += part.loss();
    kl += part.kl() * part.rows();
    entropy += part.entropy() * part.rows();
    clippedLow += part.clipLowCount();
    clippedHigh += part.clipHighCount();
    ratioMin = Math.min(ratioMin, part.ratioMin());
    ratioMax = Math.max(ratioMax, part.ratioMax());
  }

  void add(RegionGradients part) {
    regions.add(part);
  }

  void gradient(GradientHalves.Estimate estimate) {
    gradient = estimate;
  }

  void gradNorm(double value) {
    gradNorm = value;
  }

  /** Global gradient norm before clipping; NaN before the step. */
  double norm() {
    return gradNorm;
  }

  /** Tokens with a weight. */
  long rows() {
    return rows;
  }

  boolean fresh() {
    return fresh;
  }

  /** The largest distance of a ratio from 1; 0 without rows. */
  double ratioDeviation() {
    return rows == 0 ? 0 : Math.max(ratioMax - 1, 1 - ratioMin);
  }

  double meanEntropy() {
    return rows == 0 ? Double.NaN : entropy / rows;
  }

  /** By TRL's names where it has one; means over the tokens with a weight. */
  Map<String, Double> values(boolean withKl) {
    Map<String, Double> values = new LinkedHashMap<>();
    values.put("loss", loss);
    values.put("grad_norm", gradNorm);
    values.put("learning_rate", learningRate);
    if (rows > 0) {
      values.put("entropy", meanEntropy());
      values.put("clip_ratio/low_mean", clippedLow / units);
      values.put("clip_ratio/high_mean", clippedHigh / units);
      values.put("clip_ratio/region_mean", (clippedLow + clippedHigh) / units);
      values.put("ratio/min", ratioMin);
      values.put("ratio/max", ratioMax);
      if (withKl) {
        values.put("kl", kl / rows);
      }
      if (fresh) {
        values.put("sampling/ratio_deviation", ratioDeviation());
      }
      values.putAll(regions.values());
    }
    GradientHalves.Estimate estimate = gradient;
    if (estimate != null) {
      values.put("gradient/variance", estimate.variance());
      values.put("gradient/signal", estimate.signal());
    }
    return values;
  }
}
