package org.grpo4j.trainer.selfcheck;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.util.List;
import java.util.stream.Stream;
import org.grpo4j.kernels.Backend;
import org.grpo4j.kernels.Isa;
import org.grpo4j.kernels.Kernels;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The reference losses of TRL and verl on every ISA of this machine and on the emulated CUDA
 * device.
 */
class LossVectorsTest {
  private Isa before;

  @BeforeEach
  void rememberIsa() {
    before = Kernels.isa();
  }

  @AfterEach
  void restoreIsa() {
    Kernels.use(before);
  }

  static List<Isa> isas() {
    if (!Backend.CUDA_EMULATED.isAvailable()) {
      System.out.println("skipped on cuda-emulated: " + Backend.CUDA_EMULATED.unavailableCause());
      return Kernels.availableIsas();
    }
    return Stream.concat(Kernels.availableIsas().stream(), Stream.of(Isa.CUDA_EMULATED)).toList();
  }

  @ParameterizedTest
  @MethodSource("isas")
  void trl(Isa isa) throws IOException {
    Kernels.use(isa);
    GoldenVectors.assertAllPass(new TrlLossVectors(), "trl_losses.json", 29);
  }

  @ParameterizedTest
  @MethodSource("isas")
  void verl(Isa isa) throws IOException {
    Kernels.use(isa);
    GoldenVectors.assertAllPass(new VerlLossVectors(), "verl_losses.json", 17);
  }

  @Test
  void eachLeavesTheOthersFileAlone() throws IOException {
    assertFalse(new TrlLossVectors().accepts(GoldenVectors.file("verl_losses.json")));
    assertFalse(new VerlLossVectors().accepts(GoldenVectors.file("trl_losses.json")));
  }
}
