package org.grpo4j.kernels.weight;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

final class TokenMasksTest {
  private static final float[][] MASK = {{1, 1, 0}, {1, 1, 1}};

  @Test
  void topEntropyCountsTrainedTokensAlone() {
    double[][] entropies = {{0.1, 0.9, 5}, {0.3, 0.7, 0.5}};
    // Trained: 0.1 0.3 0.5 0.7 0.9. The 60% quantile lies at 0.58, between 0.5 and 0.7.
    assertArrayEquals(
        new float[][] {{0, 1, 1}, {0, 1, 0}}, TokenMasks.topEntropy(MASK, entropies, 0.4));
    assertArrayEquals(
        new float[][] {{1, 1, 1}, {1, 1, 1}}, TokenMasks.topEntropy(MASK, entropies, 1));
    // The median is a token's, which is kept.
    assertArrayEquals(
        new float[][] {{0, 1, 1}, {0, 1, 1}}, TokenMasks.topEntropy(MASK, entropies, 0.5));
    float[][] none = {{0, 0, 0}, {0, 0, 0}};
    assertArrayEquals(
        new float[][] {{1, 1, 1}, {1, 1, 1}}, TokenMasks.topEntropy(none, entropies, 0.4));
  }

  @Test
  void fractionZeroKeepsTheHighestEntropy() {
    double[][] entropies = {{0.1, 0.9, 5}, {0.3, 0.7, 0.5}};
    assertArrayEquals(
        new float[][] {{0, 1, 1}, {0, 0, 0}}, TokenMasks.topEntropy(MASK, entropies, 0));
  }

  /** Torch multiplies in float: 0.6·25 is 15.000001 there, a little above the token at 15. */
  @Test
  void theQuantilesPositionIsRoundedAsTorchDoes() {
    float[][] mask = new float[1][26];
    Arrays.fill(mask[0], 1);
    double[][] entropies = new double[1][26];
    Arrays.setAll(entropies[0], t -> t < 16 ? t / 16.0 : t);
    float[] kept = TokenMasks.topEntropy(mask, entropies, 0.4)[0];
    float[] expected = new float[26];
    Arrays.fill(expected, 16, 26, 1);
    assertArrayEquals(expected, kept);
  }

  @Test
  void offPolicySequencesKeepPositiveAdvantages() {
    double[][] logProbs = {{-1, -1, 9}, {-1, -1, -1}};
    double[][] old = {{-0.5, -0.7, -9}, {-0.5, -0.5, -0.5}}; // means 0.4 and 0.5
    assertArrayEquals(
        new float[][] {{1, 1, 1}, {0, 0, 0}},
        TokenMasks.offPolicySequences(new double[] {-1, -1}, logProbs, old, MASK, 0.45));
    assertArrayEquals(
        new float[][] {{1, 1, 1}, {1, 1, 1}},
        TokenMasks.offPolicySequences(new double[] {0, 2}, logProbs, old, MASK, 0.1));
    // Means of 0.5 in both: over trained tokens alone, and not above a threshold of 0.5.
    double[][] earlier = {{-0.5, -0.5, -9}, {-0.5, -0.5, -0.5}};
    assertArrayEquals(
        new float[][] {{0, 0, 0}, {0, 0, 0}},
        TokenMasks.offPolicySequences(new double[] {-1, -1}, logProbs, earlier, MASK, 0.45));
    assertArrayEquals(
        new float[][] {{1, 1, 1}, {1, 1, 1}},
        TokenMasks.offPolicySequences(new double[] {-1, -1}, logProbs, earlier, MASK, 0.5));
  }

  /**
   * The quantile of three is the middle one, as a float: 0.2 lies below 0.2f, which is not dropped.
   */
  @Test
  void theQuantileIsAFloat() {
    float[][] mask = {{1, 1, 1}};
    assertArrayEquals(
        new float[][] {{0, 0, 1}},
        TokenMasks.topEntropy(mask, new double[][] {{0.1, 0.2, 0.3}}, 0.5));
    assertArrayEquals(
        new float[][] {{0, 1, 1}},
        TokenMasks.topEntropy(mask, new double[][] {{0.1f, 0.2f, 0.3f}}, 0.5));
  }

  @Test
  void correctionsAreBoundedOnTheirSides() {
    float[][] mask = {{1, 1}};
    // ln of the first factor has digits that a subtraction of floats would drop.
    float[][] old = {{-16.1f, -1}};
    float[][] sampling = {{-0.001f, -1}};
    float small = (float) Math.exp((double) old[0][0] - sampling[0][0]);
    RolloutCorrection truncate =
        new RolloutCorrection(RolloutCorrection.Mode.TRUNCATE, false, 0.5, 2);
    assertArrayEquals(new float[][] {{small, 1}}, truncate.factors(old, sampling, mask));
    assertArrayEquals(
        new float[][] {{0, 1}}, RolloutCorrection.mask(1, 1).factors(old, sampling, mask));
    assertThrows(IllegalArgumentException.class, () -> RolloutCorrection.mask(2, 1));
    assertThrows(IllegalArgumentException.class, () -> RolloutCorrection.mask(-1, 1));
  }

  @Test
  void masksAndCorrectionsMultiply() {
    float[][] a = {{2, 0.5f}, {3}};
    float[][] b = {{0.25f, 0}, {1}};
    assertArrayEquals(new float[][] {{0.5f, 0}, {3}}, TokenMasks.product(a, b));
    assertArrayEquals(new float[][] {{2, 0.5f}, {3}}, a);
  }

  @Test
  void shapesAreNamed() {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> TokenMasks.topEntropy(MASK, new double[][] {{1, 2}, {1, 2, 3}}, 0.5));
    assertTrue(String.valueOf(e.getMessage()).contains("entropies[0] has shape [2]: want [3]"));
    assertThrows(
        IllegalArgumentException.class, () -> TokenMasks.topEntropy(MASK, new double[2][3], -0.1));
    assertThrows(
        IllegalArgumentException.class, () -> TokenMasks.topEntropy(MASK, new double[2][3], 1.1));
    double[][] zeros = new double[2][3];
    assertThrows(
        IllegalArgumentException.class,
        () -> TokenMasks.offPolicySequences(new double[1], zeros, zeros, MASK, 0));
  }
}
