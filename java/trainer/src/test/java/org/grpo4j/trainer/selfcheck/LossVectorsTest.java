package org.grpo4j.trainer.selfcheck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.grpo4j.kernels.Backend;
import org.grpo4j.kernels.Isa;
import org.grpo4j.kernels.Kernels;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
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
    Outcomes outcomes = check(new TrlLossVectors(), "trl_losses.json");
    assertEquals(List.of(), outcomes.failed);
    assertEquals(29, outcomes.passed);
    assertEquals(List.of(), outcomes.skipped);
  }

  @ParameterizedTest
  @MethodSource("isas")
  void verl(Isa isa) throws IOException {
    Kernels.use(isa);
    Outcomes outcomes = check(new VerlLossVectors(), "verl_losses.json");
    assertEquals(List.of(), outcomes.failed);
    assertEquals(17, outcomes.passed);
    assertEquals(List.of(), outcomes.skipped);
  }

  @Test
  void eachLeavesTheOthersFileAlone() throws IOException {
    assertTrue(!new TrlLossVectors().accepts(golden("verl_losses.json")));
    assertTrue(!new VerlLossVectors().accepts(golden("trl_losses.json")));
  }

  private static Outcomes check(VectorChecker checker, String name) throws IOException {
    Path file = golden(name);
    assertTrue(checker.accepts(file));
    Outcomes outcomes = new Outcomes();
    checker.check(file, outcomes);
    return outcomes;
  }

  private static Path golden(String name) {
    for (Path at = Path.of("").toAbsolutePath(); at != null; at = at.getParent()) {
      if (Files.isDirectory(at.resolve("shared/golden"))) {
        return at.resolve("shared/golden").resolve(name);
      }
    }
    Assumptions.abort("no shared/golden beside this checkout: " + name + " is absent");
    throw new AssertionError("not reached");
  }

  private static final class Outcomes implements CheckReport {
    int passed;
    final List<String> failed = new ArrayList<>();
    final List<String> skipped = new ArrayList<>();

    @Override
    public void passed(Path file, String caseName) {
      passed++;
    }

    @Override
    public void failed(Path file, String caseName, String expected, String got) {
      failed.add(caseName + ": expected " + expected + ", got " + got);
    }

    @Override
    public void skipped(Path file, String caseName, String why) {
      skipped.add(caseName + ": " + why);
    }
  }
}
