package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.grpo4j.kernels.internal.Native;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The choice of a backend: what is absent is an error with its cause, and never replaced. In
 * processes of their own where it is made at load.
 */
class BackendTest {
  @TempDir Path folder;

  @Test
  void namesAreThoseOfTheSettings() {
    assertEquals("[cpu, cuda, cuda-emulated]", List.of(Backend.values()).toString());
    assertEquals(Backend.CUDA_EMULATED, Backend.named("CUDA-Emulated"));
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> Backend.named("rocm"));
    assertEquals("rocm: want one of [cpu, cuda, cuda-emulated]", e.getMessage());
  }

  @Test
  void thisProcessorIsAlwaysThereAndTheFirstChoice() {
    assertTrue(Backend.CPU.isAvailable());
    assertEquals("", Backend.CPU.unavailableCause());
    assertEquals(Backend.CPU, Kernels.backend());
    assertEquals(Backend.CPU, Kernels.isa().backend());
  }

  private static ChildProcess run(Map<String, String> environment, String... options)
      throws IOException, InterruptedException {
    return ChildProcess.run(KernelsTest.Main.class, environment, options);
  }

  @Test
  void anAbsentArtifactIsNamed() throws Exception {
    ChildProcess forced = run(Map.of("GRPO4J_CUDA_LIBRARY", ""), "-Dgrpo4j.backend=cuda");
    assertNotEquals(0, forced.status());
    assertTrue(
        forced.errors().contains("-Dgrpo4j.backend=cuda: libgrpo4j_cuda.so is not here: add"),
        forced.errors());
    assertTrue(forced.errors().contains("org.grpo4j:grpo4j-cuda"), forced.errors());
    assertTrue(!forced.output().contains("scalar"), "nothing ran in its place");
  }

  @Test
  void aMissingFileIsNamedWithItsSetting() throws Exception {
    ChildProcess property =
        run(Map.of(), "-Dgrpo4j.backend=cuda", "-Dgrpo4j.cuda.library=/nowhere/cuda.so");
    assertTrue(
        property.errors().contains("-Dgrpo4j.cuda.library=/nowhere/cuda.so: no such file"),
        property.errors());
    ChildProcess environment =
        run(
            Map.of(
                "GRPO4J_BACKEND",
                "cuda-emulated",
                "GRPO4J_CUDA_EMULATED_LIBRARY",
                "/nowhere/emulated.so"));
    assertNotEquals(0, environment.status());
    assertTrue(
        environment
            .errors()
            .contains(
                "GRPO4J_BACKEND=cuda-emulated: GRPO4J_CUDA_EMULATED_LIBRARY=/nowhere/emulated.so:"
                    + " no such file"),
        environment.errors());
  }

  @Test
  void anUnknownNameIsAnErrorWithTheKnownOnes() throws Exception {
    ChildProcess outcome = run(Map.of("GRPO4J_BACKEND", "rocm"));
    assertNotEquals(0, outcome.status());
    assertTrue(
        outcome.errors().contains("GRPO4J_BACKEND=rocm: want one of [cpu, cuda, cuda-emulated]"),
        outcome.errors());
  }

  @Test
  void aFileThatIsNoLibraryIsRefused() throws Exception {
    Path text = Files.writeString(folder.resolve("cuda.so"), "not a library");
    assertEquals(
        Native.GRPO4J_DEVICE_ERROR,
        Native.grpo4j_backend_open(Native.GRPO4J_BACKEND_CUDA, text.toString()));
    assertTrue(problem(Backend.CUDA).startsWith(text.toString()), problem(Backend.CUDA));
  }

  /** The C library: it loads, and has no kernels. */
  @Test
  void aLibraryWithoutTheFunctionsIsRefused() {
    assertEquals(
        Native.GRPO4J_DEVICE_ERROR,
        Native.grpo4j_backend_open(Native.GRPO4J_BACKEND_CUDA, "libc.so.6"));
    assertTrue(
        problem(Backend.CUDA).contains("has no grpo4j_cuda_token_stats"), problem(Backend.CUDA));
  }

  @Test
  void theLibraryItselfRefusesWhatIsNotOpen() {
    assertEquals(
        Native.GRPO4J_INVALID_ARGUMENT,
        Native.grpo4j_backend_open(Native.GRPO4J_BACKEND_CPU, "any"));
    assertEquals(Native.GRPO4J_INVALID_ARGUMENT, Native.grpo4j_backend_open(7, "any"));
    assertEquals(Native.GRPO4J_INVALID_ARGUMENT, Native.grpo4j_use_backend(-1));
    assertEquals(
        Native.GRPO4J_DEVICE_ERROR, Native.grpo4j_device_synchronize(Backend.CPU.code(), null));
    assertEquals(-1, Native.grpo4j_device_token_stats_workspace(Backend.CPU.code(), null));
  }

  private static String problem(Backend backend) {
    return Native.grpo4j_backend_problem(backend.code()).getString();
  }
}
