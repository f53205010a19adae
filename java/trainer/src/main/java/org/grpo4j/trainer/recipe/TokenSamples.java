package org.grpo4j.trainer.recipe;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.grpo4j.trainer.report.VarianceReport;
import org.grpo4j.trainer.weight.Region;

/** What was measured of single tokens, summed up by region and by entropy. */
final class TokenSamples implements TokenListener {
  /** Groups of equally many tokens, by their entropy. */
  private static final int BINS = 20;

  private record Sample(Region region, float entropy, float spread, float squaredNorm) {}

  private final List<Sample> samples = new ArrayList<>();

  @Override
  public void token(Region region, double entropy, double spread, double squaredNorm) {
    samples.add(new Sample(region, (float) entropy, (float) spread, (float) squaredNorm));
  }

  /** By region, those that occur. */
  List<VarianceReport.Tokens> byRegion() {
    List<VarianceReport.Tokens> rows = new ArrayList<>();
    for (Region region : Region.values()) {
      List<Sample> of = samples.stream().filter(s -> s.region() == region).toList();
      if (!of.isEmpty()) {
        rows.add(sum(region.name().toLowerCase(Locale.ROOT), of));
      }
    }
    return rows;
  }

  /** By entropy, from the lowest. */
  List<VarianceReport.Tokens> byEntropy() {
    List<Sample> sorted = new ArrayList<>(samples);
    sorted.sort(Comparator.comparingDouble(Sample::entropy));
    List<VarianceReport.Tokens> rows = new ArrayList<>();
    for (int b = 0; b < BINS; b++) {
      int from = (int) ((long) sorted.size() * b / BINS);
      int to = (int) ((long) sorted.size() * (b + 1) / BINS);
      if (to > from) {
        rows.add(sum(String.valueOf(b + 1), sorted.subList(from, to)));
      }
    }
    return rows;
  }

  private VarianceReport.Tokens sum(String name, List<Sample> of) {
    double whole = samples.stream().mapToDouble(Sample::squaredNorm).sum();
    double norm = of.stream().mapToDouble(Sample::squaredNorm).sum();
    return new VarianceReport.Tokens(
        name,
        of.size(),
        of.stream().mapToDouble(Sample::entropy).average().orElse(Double.NaN),
        of.stream().mapToDouble(Sample::spread).average().orElse(Double.NaN),
        of.stream().mapToDouble(s -> -Math.expm1(-s.entropy())).average().orElse(Double.NaN),
        norm / of.size(),
        whole == 0 ? 0 : norm / whole);
  }
}
