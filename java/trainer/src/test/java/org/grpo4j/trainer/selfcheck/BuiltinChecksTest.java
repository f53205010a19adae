package org.grpo4j.trainer.selfcheck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.grpo4j.kernels.DType;
import org.grpo4j.kernels.Kernels;
import org.grpo4j.kernels.PolicyLoss;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.PolicyObjective;
import org.grpo4j.kernels.RowStatistics;
import org.junit.jupiter.api.Test;

/** What selfcheck runs without any file, and that it notices what is a little wrong. */
class BuiltinChecksTest {
  private final OracleBatch batch = new OracleBatch(DType.F32, 33);

  @Test
  void everyOperationIsChecked() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    VectorSuite suite =
        new VectorSuite(
            List.of(), List.of(Kernels.isa()), new PrintStream(out, true, StandardCharsets.UTF_8));
    suite.runBuiltin();
    String text = out.toString(StandardCharsets.UTF_8);
    // Each of 3 dtypes: 5 vocabularies of 5 cases, less the shards of one token, and 10 objectives;
    // 6 estimators by 3 scales, 2 orders.
    assertEquals("122 passed, 0 failed, 0 skipped", suite.totals(), text);
    assertTrue(suite.succeeded());
  }

  /** One element a hundred thousandth off, as a kernel with a coarse e^x would have it. */
  @Test
  void aCoarseGradientIsNoticed() {
    try (PointerScope scope = new PointerScope()) {
      BytePointer memory = batch.memory(0, 33);
      RowStatistics out = RowStatistics.allocate(OracleBatch.ROWS);
      PolicyLoss.compute(
          batch.view(memory, 33),
          batch.batch(),
          PolicyLossConfig.builder().temperature(OracleBatch.TEMPERATURE).build(),
          out,
          batch.view(memory, 33));
      OracleBatch.Slope slope = slopeOf(out);
      assertNull(batch.wrongGradient(0, slope, memory, 0, 33));
      int target = batch.target(0);
      memory.putFloat(4L * target, memory.getFloat(4L * target) * 1.0001f);
      String problem = batch.wrongGradient(0, slope, memory, 0, 33);
      assertNotNull(problem);
      assertTrue(problem.contains("row 0 at token " + target), problem);
    }
  }

  private OracleBatch.Slope slopeOf(RowStatistics out) {
    double[] logProbs = new double[OracleBatch.ROWS];
    for (int i = 0; i < logProbs.length; i++) {
      logProbs[i] = out.logProbs().get(i);
    }
    PolicyLossConfig config = PolicyLossConfig.defaults();
    return new ObjectiveFormula(batch, config, logProbs, new double[OracleBatch.ROWS]).slope(0);
  }

  @Test
  void coarseStatisticsAreNoticed() {
    try (PointerScope scope = new PointerScope()) {
      float[][] values = new float[4][OracleBatch.ROWS];
      for (int i = 0; i < OracleBatch.ROWS; i++) {
        OracleBatch.Row row = batch.row(i);
        values[0][i] = (float) row.logProb();
        values[1][i] = (float) row.entropy();
        values[2][i] = (float) row.lse();
        values[3][i] = (float) row.sumSquares();
      }
      RowStatistics out =
          new RowStatistics(
              new FloatPointer(values[0]),
              new FloatPointer(values[1]),
              new FloatPointer(values[2]),
              new FloatPointer(values[3]));
      assertNull(StatisticsCheck.wrongStatistics(batch, out));
      out.entropy().put(3, out.entropy().get(3) + 1e-5f);
      String problem = StatisticsCheck.wrongStatistics(batch, out);
      assertNotNull(problem);
      assertTrue(problem.startsWith("entropy") && problem.contains("row 3"), problem);
    }
  }

  /** The slope of a known loss: −A·w where the ratio is not looked at. */
  @Test
  void slopesAreDerivatives() {
    PolicyLossConfig gpg = PolicyLossConfig.builder().objective(new PolicyObjective.Gpg()).build();
    double[] zeros = new double[OracleBatch.ROWS];
    ObjectiveFormula formula = new ObjectiveFormula(batch, gpg, zeros, zeros);
    for (int i = 0; i < OracleBatch.ROWS; i++) {
      assertEquals(-batch.advantage(i) * batch.weight(i), formula.slope(i).g(), 1e-9);
    }
  }
}
