package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The CUDA kernels give the same bits whatever order the emulation runs their threads in, whenever
 * its asynchronous copies arrive, and whatever lies in memory before. In processes of their own:
 * the emulation reads its settings when it loads.
 */
class EmulatedSchedulesTest {
  /** Prints the sums over every output of some calls, and checks them against the formulas. */
  static final class Main {
    private static final PolicyLossConfig TOKEN =
        PolicyLossConfig.builder().klCoef(0.05).entropyCoef(0.01).temperature(0.9).build();

    public static void main(String[] args) {
      Kernels.use(Backend.CUDA_EMULATED);
      PolicyLossConfig sequence = TOKEN.toBuilder().ratioLevel(RatioLevel.SEQUENCE).build();
      StringBuilder all = new StringBuilder();
      for (PolicyLossConfig config : new PolicyLossConfig[] {TOKEN, sequence}) {
        for (Fixture.Layout layout :
            new Fixture.Layout[] {Fixture.Layout.BF16, new Fixture.Layout(DType.F32, 3, 5)}) {
          try (Fixture f = new Fixture(layout, 3, 1003, 2, 21);
              RowStatistics out = RowStatistics.allocate(3)) {
            f.sequenceOffsets = new long[] {0, 1, 3};
            PolicyLossMetrics m =
                PolicyLoss.compute(f.logits(), f.batch(), config, out, f.gradient());
            Conformance.compare(f, config, out, m);
            all.append(m.isa()).append(' ').append(m.loss()).append(' ');
            for (int i = 0; i < 3; i++) {
              all.append(Arrays.hashCode(f.gradientRow(i))).append(' ');
            }
          }
        }
      }
      System.out.println(all);
    }
  }

  private static String inOrder = "";

  @ParameterizedTest
  @CsvSource({
    "in_order, 1, 0x00000000, late",
    "reversed, 1, 0xffffffff, late_source_early", // NaN where nothing was written
    "random, 2, 0x7f7fffff, at_once", // the largest float
    "interleaved, 3, 0xffffffff, late"
  })
  void sameBits(String schedule, String seed, String fill, String copies) throws Exception {
    Assumptions.assumeTrue(
        Backend.CUDA_EMULATED.isAvailable(), Backend.CUDA_EMULATED::unavailableCause);
    ChildProcess outcome =
        ChildProcess.run(
            Main.class,
            Map.of(
                "GRPO4J_EMULATION_SCHEDULE",
                schedule,
                "GRPO4J_EMULATION_SEED",
                seed,
                "GRPO4J_EMULATION_FILL",
                fill,
                "GRPO4J_EMULATION_COPIES",
                copies));
    assertEquals(0, outcome.status(), outcome.errors());
    if (inOrder.isEmpty()) {
      inOrder = outcome.output();
    }
    assertEquals(inOrder, outcome.output());
  }
}
