package org.grpo4j.trainer.recipe;

import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;
import org.grpo4j.kernels.Objective;
import org.grpo4j.kernels.PolicyBatch;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.RowSlopes;
import org.grpo4j.kernels.RowStatistics;
import org.grpo4j.trainer.weight.Region;

/**
 * What the tokens of each region put into an update, over the tokens with a weight.
 *
 * <p>A token's gradient to its logits is dz_v = (g / T)·(1[v = y] − p_v), g = ∂loss/∂logProb, so
 * ‖dz‖² = (g / T)²·((1 − p_y)² + Σ_{v≠y} p_v²) = (g / T)²·(1 − 2·p_y + Σp²): no logits are needed.
 * The entropy bonus's part is left out. In expectation over y the bracket is 1 − Σp², which ResT
 * bounds by 1 − e^(−H).
 */
final class RegionGradients implements TokenListener {
  private final Map<Region, Sums> byRegion = new EnumMap<>(Region.class);

  private static final class Sums {
    private long tokens;
    private double spread;
    private double squaredNorm;
  }

  /**
   * Measures the rows of a micro-batch, token by token in their order.
   *
   * @param terms the completions that were laid out
   * @param batch their rows
   * @param statistics of the rows, Σp² included
   */
  static void forEachToken(
      List<MicroBatch.TokenTerms> terms,
      PolicyBatch batch,
      PolicyLossConfig config,
      RowStatistics statistics,
      TokenListener listener) {
    FloatPointer sumSquares = statistics.sumSquares();
    if (sumSquares == null) {
      throw new IllegalArgumentException("statistics have no sumSquares: want them for every row");
    }
    long rows = terms.stream().mapToLong(MicroBatch.TokenTerms::rows).sum();
    try (RowSlopes slopes = RowSlopes.allocate(rows)) {
      Objective.compute(batch, config, statistics, slopes);
      long row = 0;
      for (MicroBatch.TokenTerms term : terms) {
        for (int t = 0; t < term.scored().length(); t++) {
          if (term.trained(t)) {
            double squares = sumSquares.get(row);
            double scaled = slopes.g(row) / config.temperature();
            double p = Math.exp(statistics.logProbs().get(row));
            listener.token(
                term.scored().regions().get(t),
                statistics.entropy().get(row),
                1 - squares,
                // Rounding in fp32 may leave a p of nearly 1 below 0.
                scaled * scaled * Math.max(0, 1 - 2 * p + squares));
            row++;
          }
        }
      }
    }
  }

  @Override
  public void token(Region region, double entropy, double spread, double squaredNorm) {
    Sums sums = byRegion.computeIfAbsent(region, r -> new Sums());
    sums.tokens++;
    sums.spread += spread;
    sums.squaredNorm += squaredNorm;
  }

  void add(RegionGradients more) {
    more.byRegion.forEach(
        (region, of) -> {
          Sums sums = byRegion.computeIfAbsent(region, r -> new Sums());
          sums.tokens += of.tokens;
          sums.spread += of.spread;
          sums.squaredNorm += of.squaredNorm;
        });
  }

  /** The squared norm of the gradient to the logits, over all regions. */
  double squaredNorm() {
    return byRegion.values().stream().mapToDouble(s -> s.squaredNorm).sum();
  }

  /** Mean 1 − Σp² and the share of the squared norm, by region. */
  Map<String, Double> values() {
    double whole = squaredNorm();
    Map<String, Double> values = new LinkedHashMap<>();
    byRegion.forEach(
        (region, sums) -> {
          String name = region.name().toLowerCase(Locale.ROOT);
          values.put("one_minus_sum_p2/" + name, sums.spread / sums.tokens);
          values.put("grad_share/" + name, whole == 0 ? 0 : sums.squaredNorm / whole);
        });
    return values;
  }
}
