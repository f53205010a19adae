package org.grpo4j.trainer.rollout;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.TorchRuntime;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The choice of a token, seen through draws on an even grid: frequencies are then exact. */
class TokenChooserTest {
  private static final int DRAWS = 1000;

  @BeforeAll
  static void libraries() {
    TorchRuntime.load();
  }

  /** How often each token is chosen, of 1000 evenly spaced draws. */
  private static int[] counts(SamplingConfig config, double... probabilities) {
    int vocab = probabilities.length;
    float[] logits = new float[DRAWS * vocab];
    double[] uniforms = new double[DRAWS];
    for (int r = 0; r < DRAWS; r++) {
      uniforms[r] = (r + 0.5) / DRAWS;
      for (int v = 0; v < vocab; v++) {
        logits[r * vocab + v] = (float) Math.log(probabilities[v]);
      }
    }
    int[] tokens = new int[DRAWS];
    try (PointerScope scope = new PointerScope()) {
      new TokenChooser(config).choose(Tensor.create(logits, DRAWS, vocab), uniforms, tokens);
    }
    int[] counts = new int[vocab];
    Arrays.stream(tokens).forEach(t -> counts[t]++);
    return counts;
  }

  private static SamplingConfig config(double temperature, double topP, int topK) {
    return new SamplingConfig(temperature, topP, topK, 1);
  }

  @Test
  void frequenciesAreTheProbabilities() {
    assertArrayEquals(new int[] {100, 400, 200, 300}, counts(config(1, 1, 0), 0.1, 0.4, 0.2, 0.3));
  }

  /**
   * The choice as a GPU makes it, on the host's tensors: the same tokens from the same draws. Half
   * of the probabilities are 0, as after top-k and top-p; the first and last draw are the extremes.
   */
  @Test
  void theChoiceOnADeviceIsThatOnTheHost() {
    int rows = 400;
    int vocab = 1003;
    Random random = new Random(11);
    float[] all = new float[rows * vocab];
    double[] uniforms = new double[rows];
    for (int r = 0; r < rows; r++) {
      uniforms[r] = r == 0 ? 0 : r == 1 ? Math.nextDown(1.0) : random.nextDouble();
      for (int v = 0; v < vocab; v++) {
        all[r * vocab + v] = random.nextBoolean() ? 0 : (float) Math.exp(3 * random.nextGaussian());
      }
    }
    try (PointerScope scope = new PointerScope()) {
      Tensor tokens = TokenChooser.draw(Tensor.create(all, rows, vocab), uniforms);
      long[] got = new long[rows];
      tokens.data_ptr_long().get(got);
      for (int r = 0; r < rows; r++) {
        float[] row = Arrays.copyOfRange(all, r * vocab, (r + 1) * vocab);
        assertEquals(TokenChooser.invertCdf(row, uniforms[r]), got[r], "row " + r);
      }
    }
  }

  @Test
  void aRowThatIsNotNumbersIsMarkedOnADevice() {
    float nan = Float.NaN;
    try (PointerScope scope = new PointerScope()) {
      Tensor p = Tensor.create(new float[] {0.5f, 0.5f, nan, nan, 0, 0}, 3, 2);
      long[] got = new long[3];
      TokenChooser.draw(p, new double[] {0.6, 0.6, 0.6}).data_ptr_long().get(got);
      assertArrayEquals(new long[] {1, -1, -1}, got);
    }
  }

  @Test
  void temperatureOneHalfSquaresTheOdds() {
    // 0.2² : 0.4² : 0.4² = 1 : 4 : 4, sum 9
    int[] counts = counts(config(0.5, 1, 0), 0.2, 0.4, 0.4);
    assertEquals(1000 / 9.0, counts[0], 1);
    assertEquals(4000 / 9.0, counts[1], 1);
  }

  @Test
  void topPKeepsTheSmallestSetThatReachesIt() {
    // 0.5 < 0.7 <= 0.5 + 0.3: two tokens, in whatever order they stand.
    assertArrayEquals(new int[] {0, 375, 0, 625}, counts(config(1, 0.7, 0), 0.15, 0.3, 0.05, 0.5));
    // The first token alone reaches 0.4.
    assertArrayEquals(new int[] {0, 0, 0, 1000}, counts(config(1, 0.4, 0), 0.15, 0.3, 0.05, 0.5));
    assertArrayEquals(new int[] {0, 0, 0, 1000}, counts(config(1, 1e-9, 0), 0.15, 0.3, 0.05, 0.5));
  }

  @Test
  void tokensTiedWithTheLastKeptOneStay() {
    // One of the two 0.2 would do; neither may be dropped for its place in the vocabulary.
    assertArrayEquals(
        new int[] {200, 600, 200, 0, 0},
        counts(config(1, 0.7, 0), 0.1875, 0.5625, 0.1875, 0.03125, 0.03125));
    assertArrayEquals(new int[] {250, 500, 250, 0}, counts(config(1, 1, 2), 0.2, 0.4, 0.2, 0.1));
  }

  @Test
  void topPOneKeepsWhatRoundingWouldLose() {
    // 0.3 sums of f32 need not reach 1: p = 1 must not look at them.
    double[] p = new double[1000];
    Arrays.fill(p, 0.001);
    int[] counts = counts(config(1, 1, 0), p);
    assertEquals(1000, Arrays.stream(counts).filter(c -> c == 1).count());
  }

  @Test
  void topPFollowsTopKAndItsRenormalisation() {
    // Of 0.4, 0.3, 0.2 the first two hold 0.78 of the mass; without top-k three are needed.
    int[] both = counts(config(1, 0.75, 3), 0.4, 0.3, 0.2, 0.1);
    assertEquals(0, both[2] + both[3]);
    assertEquals(4000 / 7.0, both[0], 1);
    int[] topPAlone = counts(config(1, 0.75, 0), 0.4, 0.3, 0.2, 0.1);
    assertEquals(2000 / 9.0, topPAlone[2], 1);
  }

  @Test
  void greedyAndTopKOneTakeTheLargest() {
    assertArrayEquals(new int[] {0, 0, 1000}, counts(SamplingConfig.greedy(1), 0.1, 0.4, 0.5));
    assertArrayEquals(new int[] {0, 0, 1000}, counts(config(1, 1, 1), 0.1, 0.4, 0.5));
    // More than the vocabulary holds keeps all.
    assertArrayEquals(new int[] {100, 400, 500}, counts(config(1, 1, 99), 0.1, 0.4, 0.5));
  }

  @Test
  void drawsAtTheEndsMeetTokensWithMass() {
    float[] p = {0, 0.5f, 0.5f, 0};
    assertEquals(1, TokenChooser.invertCdf(p, 0));
    assertEquals(2, TokenChooser.invertCdf(p, Math.nextDown(1.0)));
    assertEquals(2, TokenChooser.invertCdf(p, 0.5));
  }

  @Test
  void logitsThatAreNotNumbersAreRefused() {
    assertThrows(
        InputException.class,
        () -> TokenChooser.invertCdf(new float[] {Float.NaN, Float.NaN}, 0.5));
  }
}
