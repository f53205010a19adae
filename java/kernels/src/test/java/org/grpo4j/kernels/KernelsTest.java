package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.junit.jupiter.api.Test;

/** The choice of an instruction set, in processes of their own because it is made at load. */
class KernelsTest {
  /** Run by the tests below: one call, then the ISA that ran. */
  static final class Main {
    public static void main(String[] args) {
      FloatPointer z = new FloatPointer(new float[] {1, 2, 3});
      Isa ran =
          TokenStats.compute(
              Logits.of(z, DType.F32, 1, 3),
              new LongPointer(new long[] {0}),
              null,
              1,
              RowStatistics.allocate(1));
      System.out.println(ran + " " + Kernels.isa());
    }
  }

  /** What a process of its own printed and exited with. */
  record Outcome(int status, String output) {}

  static Outcome run(Map<String, String> environment, String... options)
      throws IOException, InterruptedException {
    return run(Main.class, environment, options);
  }

  static Outcome run(Class<?> main, Map<String, String> environment, String... options)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    if (Runtime.version().feature() > 21) {
      // Else Java warns of JavaCPP's System.load among the output.
      command.add("--enable-native-access=ALL-UNNAMED");
    }
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    return new Outcome(process.exitValue(), output);
  }

  @Test
  void theBestIsChosenAtFirst() throws Exception {
    List<Isa> available = Kernels.availableIsas();
    Isa best = available.get(available.size() - 1);
    assertEquals(new Outcome(0, best + " " + best + "\n"), run(Map.of()));
  }

  @Test
  void propertyAndEnvironmentForceOne() throws Exception {
    for (Isa isa : Kernels.availableIsas()) {
      Outcome expected = new Outcome(0, isa + " " + isa + "\n");
      assertEquals(expected, run(Map.of(), "-Dgrpo4j.isa=" + isa));
      assertEquals(expected, run(Map.of("GRPO4J_ISA", isa.toString())));
    }
  }

  @Test
  void anImpossibleChoiceIsAnErrorAndNotAnotherIsa() throws Exception {
    Outcome property = run(Map.of(), "-Dgrpo4j.isa=neon9");
    assertNotEquals(0, property.status);
    assertTrue(
        property.output.contains(
            "-Dgrpo4j.isa=neon9: want one of [scalar, avx2, avx512, avx512_bf16, neon]"),
        property.output);
    Outcome environment = run(Map.of("GRPO4J_ISA", "neon9"));
    assertNotEquals(0, environment.status);
    assertTrue(environment.output.contains("GRPO4J_ISA=neon9"), environment.output);
  }

  @Test
  void describesItself() {
    assertTrue(Kernels.describe().contains(Kernels.isa().toString()));
    assertTrue(Kernels.threads() >= 1);
  }
}
