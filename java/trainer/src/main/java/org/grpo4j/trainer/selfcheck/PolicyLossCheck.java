package org.grpo4j.trainer.selfcheck;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.grpo4j.kernels.Logits;
import org.grpo4j.kernels.Objective;
import org.grpo4j.kernels.PolicyBatch;
import org.grpo4j.kernels.PolicyLoss;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyLossMetrics;
import org.grpo4j.kernels.RowSlopes;
import org.grpo4j.kernels.RowStatistics;
import org.jspecify.annotations.Nullable;

/** policy_loss and objective: statistics, loss, slopes, and the gradient in the logits' memory. */
final class PolicyLossCheck {
  private final OracleBatch batch;
  private final PolicyLossConfig config;

  PolicyLossCheck(OracleBatch batch, PolicyLossConfig config) {
    this.batch = batch;
    this.config = config;
  }

  /** What is wrong, in words; null: nothing. */
  @Nullable String problem() {
    try (PointerScope scope = new PointerScope()) {
      BytePointer memory = batch.memory(0, batch.vocab());
      Logits logits = batch.view(memory, batch.vocab());
      RowStatistics out = RowStatistics.allocate(OracleBatch.ROWS);
      PolicyBatch rows = batch.batch();
      PolicyLossMetrics metrics = PolicyLoss.compute(logits, rows, config, out, logits);
      String problem = StatisticsCheck.wrongStatistics(batch, out);
      return problem != null ? problem : wrongLoss(metrics, rows, out, memory);
    }
  }

  private @Nullable String wrongLoss(
      PolicyLossMetrics metrics, PolicyBatch rows, RowStatistics out, BytePointer gradient) {
    double[] logProbs = new double[OracleBatch.ROWS];
    double[] entropies = new double[OracleBatch.ROWS];
    for (int i = 0; i < OracleBatch.ROWS; i++) {
      logProbs[i] = out.logProbs().get(i);
      entropies[i] = out.entropy().get(i);
    }
    ObjectiveFormula formula = new ObjectiveFormula(batch, config, logProbs, entropies);
    RowSlopes slopes = RowSlopes.allocate(OracleBatch.ROWS);
    PolicyLossMetrics parts = Objective.compute(rows, config, out, slopes);
    for (double loss : new double[] {metrics.loss(), parts.loss()}) {
      if (!(Math.abs(formula.loss() - loss) <= 1e-9 * (1 + Math.abs(formula.loss())))) {
        return "loss %s, not %s".formatted(loss, formula.loss());
      }
    }
    for (int i = 0; i < OracleBatch.ROWS; i++) {
      OracleBatch.Slope slope = formula.slope(i);
      if (!close(slope.g(), slopes.g(i)) || !close(slope.h(), slopes.h(i))) {
        return "slopes %s and %s of row %d, not %s and %s"
            .formatted(slopes.g(i), slopes.h(i), i, slope.g(), slope.h());
      }
      String problem = batch.wrongGradient(i, slope, gradient, 0, batch.vocab());
      if (problem != null) {
        return problem;
      }
    }
    return null;
  }

  /** Within what the formula's differences are worth. */
  private static boolean close(double expected, double got) {
    return Math.abs(expected - got) <= 1e-7 * (1 + Math.abs(expected));
  }
}
