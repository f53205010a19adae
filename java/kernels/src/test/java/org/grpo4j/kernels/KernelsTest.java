package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.LongPointer;
import org.grpo4j.kernels.internal.Native;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

  /** The threads of the library by itself, then after this module has loaded it, then as set. */
  static final class Threads {
    public static void main(String[] args) {
      int affinity = Native.grpo4j_threads();
      int first = Kernels.threads();
      Kernels.setThreads(3);
      System.out.println(affinity + " " + first + " " + Kernels.threads());
    }
  }

  /** What calls say, first and later, where the native artifact is not on the class path. */
  static final class Missing {
    public static void main(String[] args) {
      Logits logits = Logits.copyOf(new float[] {1, 2}, 1, 2);
      for (int i = 0; i < 2; i++) {
        say(
            () ->
                TokenStats.compute(
                    logits, new LongPointer(new long[] {0}), null, 1, RowStatistics.allocate(1)));
        say(Kernels::threads);
        say(Kernels::describe);
        say(() -> Kernels.use(Isa.SCALAR));
      }
    }

    private static void say(Runnable call) {
      try {
        call.run();
        System.out.println("ran");
      } catch (KernelException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  private static ChildProcess run(Map<String, String> environment, String... options)
      throws IOException, InterruptedException {
    return ChildProcess.run(Main.class, environment, options);
  }

  private static void assertRan(Isa isa, ChildProcess child) {
    assertEquals(0, child.status(), child.errors());
    assertEquals(isa + " " + isa, child.output().strip(), child.errors());
  }

  @Test
  void theBestIsChosenAtFirst() throws Exception {
    List<Isa> available = Kernels.availableIsas();
    Isa best = available.get(available.size() - 1);
    assertRan(best, run(Map.of()));
    assertRan(best, run(Map.of("GRPO4J_ISA", "")));
  }

  @Test
  void propertyAndEnvironmentForceOne() throws Exception {
    for (Isa isa : Kernels.availableIsas()) {
      assertRan(isa, run(Map.of(), "-Dgrpo4j.isa=" + isa));
      assertRan(isa, run(Map.of("GRPO4J_ISA", isa.toString())));
    }
  }

  @Test
  void anImpossibleChoiceIsAnErrorAndNotAnotherIsa() throws Exception {
    ChildProcess property = run(Map.of(), "-Dgrpo4j.isa=neon9");
    assertNotEquals(0, property.status());
    assertTrue(
        property
            .errors()
            .contains("-Dgrpo4j.isa=neon9: want one of [scalar, avx2, avx512, avx512_bf16, neon]"),
        property.errors());
    for (Isa isa : Isa.ofProcessors()) {
      if (!Kernels.availableIsas().contains(isa)) { // known, but another processor's
        ChildProcess absent = run(Map.of(), "-Dgrpo4j.isa=" + isa);
        assertNotEquals(0, absent.status());
        assertTrue(absent.errors().contains("does not have it"), absent.errors());
        assertThrows(KernelException.class, () -> Kernels.use(isa));
      }
    }
    ChildProcess environment = run(Map.of("GRPO4J_ISA", "neon9"));
    assertNotEquals(0, environment.status());
    assertTrue(environment.errors().contains("GRPO4J_ISA=neon9"), environment.errors());
  }

  /** The library sees the processors that it may run on, Java also a quota of its control group. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 64})
  void neverMoreThreadsThanJavaMayUseUnlessTold(int processors) throws Exception {
    ChildProcess child =
        ChildProcess.run(Threads.class, Map.of(), "-XX:ActiveProcessorCount=" + processors);
    assertEquals(0, child.status(), child.errors());
    String[] threads = child.output().strip().split(" ", -1);
    int first = Math.min(Integer.parseInt(threads[0]), processors);
    assertEquals(List.of(threads[0], "" + first, "3"), List.of(threads));
  }

  @Test
  void aMissingLibraryIsNamedByEveryCall(@TempDir Path classes) throws Exception {
    Path built = Path.of(Kernels.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    try (Stream<Path> files = Files.walk(built)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        if (!file.toString().endsWith(".so")) {
          Files.copy(
              file, classes.resolve(built.relativize(file)), StandardCopyOption.REPLACE_EXISTING);
        }
      }
    }
    String classPath =
        System.getProperty("java.class.path").replace(built.toString(), classes.toString());
    ChildProcess child = ChildProcess.runOn(classPath, Missing.class, Map.of());
    assertEquals(0, child.status(), child.errors());
    List<String> lines = child.output().lines().toList();
    assertEquals(8, lines.size(), child.output());
    for (String line : lines) {
      assertTrue(
          line.startsWith(
              "the native library is missing: add org.grpo4j:grpo4j-kernels with the classifier"
                  + " "
                  + Loader.getPlatform()
                  + " to the class path"),
          line);
    }
  }

  @Test
  void describesItself() {
    assertTrue(Kernels.describe().contains(Kernels.isa().toString()));
    assertTrue(Kernels.threads() >= 1);
  }
}
