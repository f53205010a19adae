package org.grpo4j.kernels;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every kernel on every ISA of this machine against the formulas in double. */
class ConformanceTest {
  private static final PolicyLossConfig EVERYTHING =
      PolicyLossConfig.builder()
          .clipHigh(0.28)
          .dualClip(3)
          .delta(2)
          .klCoef(0.05)
          .entropyCoef(0.01)
          .temperature(0.7)
          .build();

  private static final int EMULATED_ELEMENTS = 20_000;

  private static final List<Fixture.Layout> DTYPES =
      List.of(Fixture.Layout.F32, Fixture.Layout.BF16, Fixture.Layout.F16);

  private static final PolicyLossConfig WITH_BONUS =
      PolicyLossConfig.builder().entropyCoef(0.01).build();

  private Isa before;

  @BeforeEach
  void rememberIsa() {
    before = Kernels.isa();
  }

  @AfterEach
  void restoreIsa() {
    Kernels.use(before);
  }

  static Stream<Isa> isas() {
    return Emulated.isas().stream();
  }

  /** The emulated device takes a millisecond for what a processor does in one thousandth. */
  private static Stream<Arguments> onEveryIsa(int[]... shapes) {
    return isas()
        .flatMap(
            isa ->
                Stream.of(shapes)
                    .filter(s -> isa != Isa.CUDA_EMULATED || s[0] * s[1] <= EMULATED_ELEMENTS)
                    .map(s -> Arguments.of(isa, s[0], s[1])));
  }

  static Stream<Arguments> shapes() {
    return onEveryIsa(
        new int[] {0, 33}, // no rows: nothing is read or written
        new int[] {1, 1}, // one token: p = 1, gradient 0
        new int[] {3, 2}, // less than any vector
        new int[] {3, 31}, // whole vectors and a tail, one below two AVX-512 vectors
        new int[] {3, 32}, // no tail
        new int[] {3, 33}, // a tail of one
        new int[] {257, 33}, // more rows than one chunk of any thread
        new int[] {3, 1003}, // unrolled loops, single vectors and a tail
        new int[] {3, 4096}, // exactly one block
        new int[] {3, 50257}, // GPT-2: many blocks, odd
        new int[] {1, 128256}, // Llama 3
        new int[] {1, 262144}, // Gemma 3, a power of two: whole blocks alone
        new int[] {2, 151936}); // Qwen: threads, second-level cache
  }

  @ParameterizedTest(name = "{0} {1} x {2}")
  @MethodSource("shapes")
  void matchesTheFormulas(Isa isa, int rows, int vocab) {
    Kernels.use(isa);
    for (Fixture.Layout layout :
        new Fixture.Layout[] {
          Fixture.Layout.F32,
          Fixture.Layout.BF16,
          Fixture.Layout.F16,
          new Fixture.Layout(DType.F32, 3, 5), // unaligned base and stride
          new Fixture.Layout(DType.BF16, 1, 3)
        }) {
      try (Fixture f = new Fixture(layout, rows, vocab, 3, 11)) {
        Conformance.check(f, EVERYTHING, isa);
        f.writeLogits();
        Conformance.check(f, PolicyLossConfig.defaults(), isa);
      }
    }
  }

  /** More rows than any thread takes at once, each of a whole vocabulary. */
  @Test
  void manyRowsOfALargeVocabulary() {
    try (Fixture f = new Fixture(Fixture.Layout.BF16, 257, 4, 50257, 3, 16)) {
      Conformance.check(f, PolicyLossConfig.defaults(), before);
    }
  }

  static Stream<Arguments> everyShape() {
    return Kernels.availableIsas().stream()
        .flatMap(
            isa ->
                IntStream.of(0, 1, 3, 257)
                    .boxed()
                    .flatMap(
                        rows ->
                            IntStream.of(1, 2, 31, 32, 33, 1003, 50257, 128_256, 151_936, 262_144)
                                .mapToObj(vocab -> Arguments.of(isa, rows, vocab))));
  }

  @ParameterizedTest(name = "{0} {1} x {2}")
  @MethodSource("everyShape")
  @Tag("long")
  void everyNumberOfRowsAndTokens(Isa isa, int rows, int vocab) {
    Kernels.use(isa);
    for (Fixture.Layout layout : DTYPES) {
      int offset = rows % 2 * 3; // unaligned where there is one row or three
      Fixture.Layout shifted = new Fixture.Layout(layout.dtype(), offset, 5);
      try (Fixture f = new Fixture(shifted, rows, 4, vocab, 3, 17)) {
        Conformance.check(f, EVERYTHING, isa);
        f.writeLogits();
        Conformance.check(f, PolicyLossConfig.defaults(), isa);
      }
    }
  }

  /** Flat rows, ordinary rows, and rows where one token takes everything. */
  @ParameterizedTest
  @MethodSource("isas")
  void anyScaleOfLogits(Isa isa) {
    Kernels.use(isa);
    for (Fixture.Layout layout : DTYPES) {
      for (double scale : new double[] {0, 0.1, 1, 30, 1000}) {
        try (Fixture f = new Fixture(layout, 5, 5003, scale, 12)) {
          // At temperature 1, where the fixture's old and reference log-probs are of the same
          // order.
          Conformance.check(
              f, PolicyLossConfig.builder().klCoef(0.05).entropyCoef(0.01).build(), isa);
        }
      }
    }
  }

  /** Sharp and flat, to the bounds; a logit of −∞ has probability 0 at any of them. */
  @ParameterizedTest
  @MethodSource("isas")
  void anyTemperature(Isa isa) {
    Kernels.use(isa);
    for (Fixture.Layout layout : DTYPES) {
      for (double temperature : new double[] {1e-12, 0.02, 50, 1e12}) {
        if (layout.dtype() == DType.F16 && temperature < 1e-3) {
          continue; // gradients, which are divided by it, beyond the largest half
        }
        try (Fixture f = new Fixture(layout, 3, 1003, 3, 18)) {
          for (double[] row : f.z) {
            row[1002] = Double.NEGATIVE_INFINITY;
          }
          Arrays.fill(f.targets, 17);
          f.writeLogits();
          f.onPolicy = true; // the fixture's old log-probs are those of temperature 1
          Conformance.check(f, WITH_BONUS.toBuilder().temperature(temperature).build(), isa);
        }
      }
    }
  }

  /** All far below 0: a running maximum that starts at 0 would underflow. */
  @ParameterizedTest
  @MethodSource("isas")
  void rowsFarBelowZero(Isa isa) {
    Kernels.use(isa);
    for (Fixture.Layout layout : DTYPES) {
      for (double shift : new double[] {-1e4, -1e30, 1e4}) {
        if (layout.dtype() == DType.F16 && shift == -1e30) {
          continue; // -inf there
        }
        try (Fixture f = new Fixture(layout, 3, 5003, 1, 13)) {
          for (double[] row : f.z) {
            for (int v = 0; v < row.length; v++) {
              row[v] = Elements.round(layout.dtype(), row[v] + shift);
            }
          }
          f.writeLogits();
          Conformance.check(f, WITH_BONUS, isa);
        }
      }
    }
  }

  /**
   * A target of probability 0. Its ratio to old log-probs is 0; on policy it is 1, and the gradient
   * raises the target, which has the only element that is not a multiple of p.
   */
  @ParameterizedTest
  @MethodSource("isas")
  void minusInfinityAtTheTarget(Isa isa) {
    Kernels.use(isa);
    for (Fixture.Layout layout : DTYPES) {
      for (boolean onPolicy : new boolean[] {false, true}) {
        for (PolicyLossConfig config : List.of(PolicyLossConfig.defaults(), WITH_BONUS)) {
          try (Fixture f = new Fixture(layout, 3, 1003, 2, 19)) {
            for (int i = 0; i < 2; i++) {
              f.z[i][(int) f.targets[i]] = Double.NEGATIVE_INFINITY;
              f.advantages[i] = i == 0 ? 1.5f : -0.5f;
            }
            f.onPolicy = onPolicy;
            f.withoutReference = true; // an estimate of KL would be infinite
            f.writeLogits();
            Conformance.check(f, config, isa);
          }
        }
      }
    }
  }

  /** −∞ elsewhere, at the target's neighbours, and in the whole first block of the statistics. */
  @ParameterizedTest
  @MethodSource("isas")
  void minusInfinityIsLegal(Isa isa) {
    Kernels.use(isa);
    for (Fixture.Layout layout : DTYPES) {
      try (Fixture f = new Fixture(layout, 3, 9001, 2, 14)) {
        for (int v = 0; v < 5000; v++) {
          f.z[0][v] = Double.NEGATIVE_INFINITY;
        }
        for (int v = 0; v < 9001; v += 2) {
          f.z[1][v] = Double.NEGATIVE_INFINITY;
        }
        for (int v = 0; v < 9001; v++) {
          f.z[2][v] = v == 8000 ? 1 : Double.NEGATIVE_INFINITY; // one token is left: entropy 0
        }
        f.targets[0] = 7000;
        f.targets[1] = 4001;
        f.targets[2] = 8000;
        f.writeLogits();
        Conformance.check(f, WITH_BONUS, isa);
        f.writeLogits();
        Conformance.check(f, PolicyLossConfig.defaults(), isa);
      }
    }
  }

  /**
   * The running maximum rises in every block: more often than the one-visit operation, which keeps
   * e^u of each stretch between two rises, has places for.
   */
  @ParameterizedTest
  @MethodSource("isas")
  void aMaximumThatKeepsRising(Isa isa) {
    Kernels.use(isa);
    int vocab = 151_936;
    try (Fixture f = new Fixture(Fixture.Layout.F32, 2, vocab, 0, 15)) {
      for (int v = 0; v < vocab; v++) {
        f.z[0][v] = (float) (40.0 * v / vocab);
        f.z[1][v] = (float) (2000.0 * v / vocab); // what was kept first underflows on the way
      }
      f.writeLogits();
      Conformance.check(f, PolicyLossConfig.defaults(), isa);
    }
  }
}
