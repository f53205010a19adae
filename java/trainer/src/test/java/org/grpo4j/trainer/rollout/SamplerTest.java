package org.grpo4j.trainer.rollout;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.grpo4j.torch.DecoderModel;
import org.grpo4j.torch.TensorKernels;
import org.grpo4j.torch.TorchTensors;
import org.grpo4j.trainer.fixtures.TinyCheckpoint;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerTest {
  private static final int VOCABULARY = 16;

  /** Of different lengths, so that batches are padded; one token is the shortest legal prompt. */
  private static final List<long[]> PROMPTS =
      List.of(new long[] {3, 1, 4, 1, 5}, new long[] {9}, new long[] {2, 6, 5});

  /** 2 of 16 tokens: most of 12-token completions end early, some do not. */
  private static final Set<Integer> STOPS = Set.of(0, 7);

  private static DecoderModel model;

  @BeforeAll
  static void makeModel() {
    model = TinyCheckpoint.model(VOCABULARY, 11);
  }

  @AfterAll
  static void closeModel() {
    model.close();
  }

  private static Sampler sampler() {
    return new Sampler(model, TensorKernels.onHost(), STOPS, 0);
  }

  private static SamplingConfig hot(int maxNewTokens) {
    // At 1 this model nearly repeats itself; at 4 every token has its chance.
    return new SamplingConfig(4, 1, 0, maxNewTokens);
  }

  private static long[][] seeds(int prompts, int perPrompt) {
    long[][] seeds = new long[prompts][perPrompt];
    for (int p = 0; p < prompts; p++) {
      for (int g = 0; g < perPrompt; g++) {
        seeds[p][g] = SequenceRandom.seed(5, p, g);
      }
    }
    return seeds;
  }

  @Test
  void aSequenceDoesNotDependOnTheBatchAroundIt() {
    long[][] seeds = seeds(3, 6);
    List<Completion> together = sampler().sample(PROMPTS, seeds, hot(12));
    assertEquals(18, together.size());
    assertTrue(together.stream().anyMatch(c -> c.finished() && c.length() < 6), "none ends early");
    assertTrue(together.stream().anyMatch(c -> c.length() == 12), "none is long");
    for (int p = 0; p < 3; p++) {
      for (int g = 0; g < 6; g++) {
        Completion alone =
            sampler().sample(List.of(PROMPTS.get(p)), new long[][] {{seeds[p][g]}}, hot(12)).get(0);
        same(together.get(p * 6 + g), alone);
      }
    }
    List<long[]> reversed = List.of(PROMPTS.get(2), PROMPTS.get(1), PROMPTS.get(0));
    List<Completion> other =
        sampler().sample(reversed, new long[][] {seeds[2], seeds[1], seeds[0]}, hot(12));
    for (int p = 0; p < 3; p++) {
      for (int g = 0; g < 6; g++) {
        same(together.get(p * 6 + g), other.get((2 - p) * 6 + g));
        assertEquals(2 - p, other.get((2 - p) * 6 + g).prompt());
      }
    }
  }

  private static void same(Completion a, Completion b) {
    assertArrayEquals(a.tokens(), b.tokens());
    assertEquals(a.finished(), b.finished());
    // Matrix products of other shapes add in another order.
    assertArrayEquals(a.samplingLogProbs(), b.samplingLogProbs(), 1e-5f);
    assertArrayEquals(a.entropies(), b.entropies(), 1e-5f);
  }

  @Test
  void anotherSeedGivesOtherTokens() {
    List<Completion> two =
        sampler().sample(List.of(PROMPTS.get(0)), new long[][] {{1, 2, 3, 4}}, hot(8));
    assertTrue(two.stream().map(c -> Arrays.toString(c.tokens())).distinct().count() > 1);
  }

  @Test
  void aShorterLimitCutsTheSameSequence() {
    long[][] seeds = seeds(3, 4);
    List<Completion> longer = sampler().sample(PROMPTS, seeds, hot(12));
    List<Completion> shorter = sampler().sample(PROMPTS, seeds, hot(4));
    for (int i = 0; i < longer.size(); i++) {
      int length = Math.min(4, longer.get(i).length());
      assertArrayEquals(Arrays.copyOf(longer.get(i).tokens(), length), shorter.get(i).tokens());
    }
  }

  @Test
  void greedyIsTheArgmaxOfAPlainForwardPass() {
    List<Completion> greedy =
        new Sampler(model, TensorKernels.onHost(), Set.of(), 0)
            .sample(PROMPTS, seeds(3, 1), SamplingConfig.greedy(10));
    for (Completion c : greedy) {
      List<Long> tokens = new ArrayList<>();
      Arrays.stream(PROMPTS.get(c.prompt())).forEach(tokens::add);
      for (int t = 0; t < 10; t++) {
        int best = argmax(tokens.stream().mapToLong(Long::longValue).toArray());
        assertEquals(best, c.tokens()[t], "prompt " + c.prompt() + " token " + t);
        tokens.add((long) best);
      }
    }
  }

  private static int argmax(long[] tokens) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      List<long[]> one = List.of(tokens);
      Tensor hidden = model.hidden(TokenBatches.rightPadded(one, 0), TokenBatches.rightMask(one));
      Tensor logits = model.logits(hidden.select(1, tokens.length - 1L));
      LongPointer best = TorchTensors.longs(torch.argmax(logits, new LongOptional(-1), false));
      return Math.toIntExact(best.get());
    }
  }

  @Test
  void topKOneEqualsGreedy() {
    List<Completion> greedy = sampler().sample(PROMPTS, seeds(3, 1), SamplingConfig.greedy(10));
    List<Completion> topOne =
        sampler().sample(PROMPTS, seeds(3, 1), new SamplingConfig(1, 1, 1, 10));
    for (int i = 0; i < greedy.size(); i++) {
      same(greedy.get(i), topOne.get(i));
    }
  }

  @Test
  void aStopTokenEndsACompletionAndIsKept() {
    List<Completion> all = sampler().sample(PROMPTS, seeds(3, 20), hot(12));
    for (Completion c : all) {
      int[] tokens = c.tokens();
      for (int t = 0; t < tokens.length; t++) {
        assertEquals(
            c.finished() && t == tokens.length - 1, STOPS.contains(tokens[t]), "token " + t);
      }
      assertTrue(c.finished() || tokens.length == 12);
    }
    assertTrue(all.stream().anyMatch(Completion::finished));
    assertTrue(all.stream().anyMatch(c -> !c.finished()));
  }

  @Test
  void lengthOneIsNotFinishedUnlessItStops() {
    for (Completion c : sampler().sample(PROMPTS, seeds(3, 20), hot(1))) {
      assertEquals(1, c.length());
      assertEquals(STOPS.contains(c.tokens()[0]), c.finished());
    }
    assertFalse(
        new Sampler(model, TensorKernels.onHost(), Set.of(), 0)
            .sample(PROMPTS, seeds(3, 1), SamplingConfig.greedy(1))
            .get(0)
            .finished());
  }

  /** The temperatures: as in training, flatter (every token often), sharper (some never). */
  @ParameterizedTest
  @ValueSource(doubles = {1.0, 4.0, 0.6})
  void tokensFollowTheSoftmax(double temperature) {
    int draws = 4000;
    long[][] seeds = new long[1][draws];
    Arrays.setAll(seeds[0], i -> SequenceRandom.seed(77, i));
    List<long[]> prompt = List.of(PROMPTS.get(2));
    List<Completion> sampled =
        new Sampler(model, TensorKernels.onHost(), Set.of(), 0)
            .sample(prompt, seeds, new SamplingConfig(temperature, 1, 0, 1));
    int[] counts = new int[VOCABULARY];
    double[] p = new double[VOCABULARY];
    for (Completion c : sampled) {
      counts[c.tokens()[0]]++;
    }
    softmax(PROMPTS.get(2), temperature, p);
    double chiSquare = 0;
    double rest = 0;
    int restCount = 0;
    int cells = 0;
    for (int v = 0; v < VOCABULARY; v++) {
      if (p[v] * draws < 5) {
        rest += p[v] * draws;
        restCount += counts[v];
      } else {
        chiSquare += Math.pow(counts[v] - p[v] * draws, 2) / (p[v] * draws);
        cells++;
      }
    }
    if (rest >= 5) {
      chiSquare += Math.pow(restCount - rest, 2) / rest;
      cells++;
    }
    assertTrue(cells >= 3, "the distribution is too sharp to be tested: " + Arrays.toString(p));
    // 37.7: the 0.999 quantile for 15 degrees of freedom, above that of fewer.
    assertTrue(chiSquare < 37.7, "chi-square " + chiSquare + " over " + cells + " cells");
    for (Completion c : sampled.subList(0, 50)) {
      assertEquals(Math.log(p[c.tokens()[0]]), c.samplingLogProbs()[0], 1e-4);
    }
  }

  private static void softmax(long[] tokens, double temperature, double[] p) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      List<long[]> one = List.of(tokens);
      Tensor hidden = model.hidden(TokenBatches.rightPadded(one, 0), TokenBatches.rightMask(one));
      Tensor logits = model.logits(hidden.select(1, tokens.length - 1L)).contiguous();
      float[] z = new float[VOCABULARY];
      TorchTensors.floats(logits).get(z);
      double sum = 0;
      for (int v = 0; v < VOCABULARY; v++) {
        p[v] = Math.exp(z[v] / temperature);
        sum += p[v];
      }
      for (int v = 0; v < VOCABULARY; v++) {
        p[v] /= sum;
      }
    }
  }
}
