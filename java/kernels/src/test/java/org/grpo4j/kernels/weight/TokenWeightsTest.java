package org.grpo4j.kernels.weight;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Random;
import org.grpo4j.kernels.weight.TokenWeights.Input;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class TokenWeightsTest {
  /** Ragged, with untrained tokens inside, and one completion without any trained token. */
  private static final float[][] MASK = {{1, 1, 0, 1}, {1}, {0, 0}, {1, 1, 1, 1, 1}};

  private static final int MAX_LENGTH = 10;

  @Test
  void eachAggregationsWeights() {
    assertEquals(1 / 9.0, weight(Aggregation.TOKEN_MEAN, 0, 0), 1e-7);
    assertEquals(1 / (4 * 3.0), weight(Aggregation.SEQ_MEAN_TOKEN_MEAN, 0, 0), 1e-7);
    assertEquals(1 / 4.0, weight(Aggregation.SEQ_MEAN_TOKEN_MEAN, 1, 0), 1e-7);
    assertEquals(1 / 4.0, weight(Aggregation.SEQ_MEAN_TOKEN_SUM, 3, 2), 1e-7);
    assertEquals(1 / 40.0, weight(Aggregation.SEQ_MEAN_TOKEN_SUM_NORM, 3, 2), 1e-7);
  }

  @ParameterizedTest
  @EnumSource(Aggregation.class)
  void untrainedTokensWeighNothing(Aggregation aggregation) {
    TokenWeights weights = TokenWeights.compute(Input.of(MASK, aggregation, MAX_LENGTH));
    assertEquals(0, weights.policyWeights()[0][2]);
    assertArrayEquals(new float[2], weights.policyWeights()[2]);
  }

  @ParameterizedTest
  @EnumSource(Aggregation.class)
  void aBatchWithoutTrainedTokensGivesZeroAndNotNaN(Aggregation aggregation) {
    float[][] masks = {{0, 0}, {}, {0}};
    TokenWeights weights = TokenWeights.compute(Input.of(masks, aggregation, MAX_LENGTH));
    assertArrayEquals(new float[][] {{0, 0}, {}, {0}}, weights.policyWeights());
    TokenWeights none = TokenWeights.compute(Input.of(new float[0][], aggregation, MAX_LENGTH));
    assertEquals(0, none.policyWeights().length);
  }

  /**
   * Sums beyond a float's integers, a denominator beyond an int's, settings that add to each other.
   */
  @Test
  void largeDenominators() {
    float[][] mask = {{1, 1, 1, 1, 1, 1, 1, 1, 1}};
    float[][] omega = {{1e8f, 1, 1, 1, 1, 1, 1, 1, 1}};
    float[][] correction = {{2, 2, 2, 2, 2, 2, 2, 2, 2}};
    Input input = Input.of(mask, Aggregation.TOKEN_MEAN, MAX_LENGTH).withTokenWeights(omega);
    assertEquals((float) (1e8 / (1e8 + 8)), TokenWeights.compute(input).regularizerWeights()[0][0]);
    TokenWeights corrected = TokenWeights.compute(input.withCorrection(correction));
    assertEquals((float) (1e8 / (1e8 + 8)) * 2, corrected.policyWeights()[0][0]);
    Input norm = Input.of(MASK, Aggregation.SEQ_MEAN_TOKEN_SUM_NORM, 1_000_000_000);
    assertEquals(2.5e-10, TokenWeights.compute(norm).policyWeights()[0][0], 1e-16);
    Input whole = Input.of(MASK, Aggregation.TOKEN_MEAN, MAX_LENGTH);
    assertThrows(IllegalArgumentException.class, () -> whole.withMicroBatches(1, 2));
  }

  @Test
  void tokenMeanSumsToOneWithAndWithoutTokenWeights() {
    Random random = new Random(5);
    float[][] omega = new float[MASK.length][];
    for (int i = 0; i < omega.length; i++) {
      omega[i] = new float[MASK[i].length];
      for (int t = 0; t < omega[i].length; t++) {
        omega[i][t] = random.nextFloat() * 3;
      }
    }
    Input plain = Input.of(MASK, Aggregation.TOKEN_MEAN, MAX_LENGTH);
    assertEquals(1, sum(TokenWeights.compute(plain).policyWeights()), 1e-6);
    TokenWeights weighted = TokenWeights.compute(plain.withTokenWeights(omega));
    assertEquals(1, sum(weighted.policyWeights()), 1e-6);
    assertEquals(
        omega[0][1] / (double) omega[0][0],
        weighted.policyWeights()[0][1] / (double) weighted.policyWeights()[0][0],
        1e-6);
  }

  @Test
  void tokenWeightsAllZeroGiveZero() {
    float[][] omega = {{0, 0, 0, 0}, {0}, {0, 0}, {0, 0, 0, 0, 0}};
    Input in = Input.of(MASK, Aggregation.TOKEN_MEAN, MAX_LENGTH).withTokenWeights(omega);
    assertEquals(0, sum(TokenWeights.compute(in).policyWeights()));
  }

  @Test
  void sequenceMeansKeepTheirPlainLengthUnderTokenWeights() {
    float[][] omega = {{2, 1, 9, 1}, {3}, {1, 1}, {1, 1, 1, 1, 1}};
    Input in = Input.of(MASK, Aggregation.SEQ_MEAN_TOKEN_MEAN, MAX_LENGTH).withTokenWeights(omega);
    TokenWeights weights = TokenWeights.compute(in);
    assertEquals(2 / (4 * 3.0), weights.policyWeights()[0][0], 1e-7);
    assertEquals(3 / 4.0, weights.policyWeights()[1][0], 1e-7);
  }

  @Test
  void correctionTouchesThePolicyTermAlone() {
    float[][] factor = {{2, 0, 1, 1}, {1}, {1, 1}, {1, 1, 1, 1, 1}};
    Input in = Input.of(MASK, Aggregation.TOKEN_MEAN, MAX_LENGTH).withCorrection(factor);
    TokenWeights weights = TokenWeights.compute(in);
    assertArrayEquals(new float[] {2 / 9f, 0, 0, 1 / 9f}, weights.policyWeights()[0], 1e-7f);
    assertArrayEquals(
        new float[] {1 / 9f, 1 / 9f, 0, 1 / 9f}, weights.regularizerWeights()[0], 1e-7f);
  }

  @Test
  void bnpoAveragesTheTokenMeansOfMicroBatches() {
    Input in = Input.of(MASK, Aggregation.TOKEN_MEAN, MAX_LENGTH).withMicroBatches(2, 2);
    float[][] weights = TokenWeights.compute(in).policyWeights();
    assertEquals(1 / (2 * 4.0), weights[1][0], 1e-7); // 3 + 1 tokens, two micro-batches
    assertEquals(1 / (2 * 5.0), weights[3][0], 1e-7); // 0 + 5 tokens
    assertThrows(IllegalArgumentException.class, () -> in.withMicroBatches(2, 3));
    // The right sum, and no sizes.
    assertThrows(IllegalArgumentException.class, () -> in.withMicroBatches(MASK.length + 1, -1));
  }

  @Test
  void equalMicroBatchesOfSequenceMeansAreTheWholeStep() {
    for (Aggregation aggregation :
        new Aggregation[] {
          Aggregation.SEQ_MEAN_TOKEN_MEAN,
          Aggregation.SEQ_MEAN_TOKEN_SUM,
          Aggregation.SEQ_MEAN_TOKEN_SUM_NORM
        }) {
      Input in = Input.of(MASK, aggregation, MAX_LENGTH);
      float[][] whole = TokenWeights.compute(in).policyWeights();
      float[][] parts = TokenWeights.compute(in.withMicroBatches(2, 2)).policyWeights();
      for (int i = 0; i < whole.length; i++) {
        assertArrayEquals(whole[i], parts[i], 1e-8f);
      }
    }
  }

  @Test
  void shapesMustMatch() {
    Input in = Input.of(MASK, Aggregation.TOKEN_MEAN, MAX_LENGTH);
    assertThrows(IllegalArgumentException.class, () -> in.withTokenWeights(new float[4][3]));
    assertThrows(IllegalArgumentException.class, () -> in.withCorrection(new float[3][]));
    assertThrows(IllegalArgumentException.class, () -> Input.of(MASK, Aggregation.TOKEN_MEAN, 0));
  }

  @Test
  void rolloutCorrectionTruncatesOrMasks() {
    float[][] old = {{0, (float) Math.log(4), (float) Math.log(0.25)}};
    float[][] sampling = {{0, 0, 0}};
    float[][] mask = {{1, 1, 1}};
    assertArrayEquals(
        new float[] {1, 2, 0.25f},
        RolloutCorrection.truncate(2).factors(old, sampling, mask)[0],
        1e-6f);
    assertArrayEquals(
        new float[] {1, 0, 0},
        RolloutCorrection.mask(0.5, 2).factors(old, sampling, mask)[0],
        1e-6f);
    // A factor inside the range stays what it is, the range's edges are inside.
    assertArrayEquals(
        new float[] {1, 4, 0}, RolloutCorrection.mask(1, 5).factors(old, sampling, mask)[0], 1e-5f);
    assertArrayEquals(
        new float[] {1, 0, 0.25f},
        RolloutCorrection.mask(0.1, 1).factors(old, sampling, mask)[0],
        1e-6f);
    RolloutCorrection sequence =
        new RolloutCorrection(RolloutCorrection.Mode.TRUNCATE, true, 0, 10);
    // The product over trained tokens: 4 without the last; NaN where nothing is trained is unseen.
    float[][] padded = {{0, (float) Math.log(4), Float.NaN}};
    assertArrayEquals(
        new float[] {4, 4, 1},
        sequence.factors(padded, sampling, new float[][] {{1, 1, 0}})[0],
        1e-5f);
  }

  private static double weight(Aggregation aggregation, int i, int t) {
    TokenWeights weights = TokenWeights.compute(Input.of(MASK, aggregation, MAX_LENGTH));
    assertEquals(weights.policyWeights()[i][t], weights.regularizerWeights()[i][t]);
    return weights.policyWeights()[i][t];
  }

  private static double sum(float[][] values) {
    double sum = 0;
    for (float[] row : values) {
      for (float value : row) {
        sum += value;
      }
    }
    return sum;
  }
}
