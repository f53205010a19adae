package org.grpo4j.trainer.recipe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.grpo4j.torch.TensorKernels;
import org.grpo4j.trainer.environment.AssistantTurn;
import org.grpo4j.trainer.environment.Ending;
import org.grpo4j.trainer.environment.Episode;
import org.grpo4j.trainer.environment.Outcome;
import org.grpo4j.trainer.rollout.Completion;
import org.grpo4j.trainer.task.EmbeddedCheckpoint;
import org.grpo4j.trainer.task.HouseTask;
import org.grpo4j.trainer.weight.Region;
import org.grpo4j.trainer.weight.SpanPlacement;
import org.grpo4j.trainer.weight.ToolCallRegions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Training on conversations of the kept checkpoint, which calls tools. */
class MultiTurnTrainingTest {
  @TempDir static Path folder;

  @BeforeAll
  static void extract() throws IOException {
    EmbeddedCheckpoint.extractMultiTurnTo(folder);
  }

  private static Harness harness(String... overrides) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "environment=house",
                "reward_funcs=[environment]",
                "max_completion_length=192",
                "zero_spread_groups=keep"));
    all.addAll(List.of(overrides));
    return new Harness(folder, i -> false, all.toArray(String[]::new));
  }

  private static Episode episode(ScoredCompletion c) {
    Episode episode = c.completion().episode();
    if (episode == null) {
      throw new AssertionError("no episode");
    }
    return episode;
  }

  /**
   * Token by token: what the mask leaves out is what the template wrote around the house's answers,
   * and every trained token has the log-probability that the trainer gives it too.
   */
  @Test
  void sampledTokensAloneAreTrained() {
    try (Harness h = harness()) {
      h.training.rolloutAndUpdates(1);
      List<ScoredCompletion> sampled = h.rollouts.get(0);
      int sampledTokens = 0;
      int rounds = 0;
      for (ScoredCompletion c : sampled) {
        float[] mask = c.completion().sampledMask();
        StringBuilder given = new StringBuilder();
        List<String> texts = h.policy.tokenTexts(c.completion().tokens());
        for (int t = 0; t < mask.length; t++) {
          sampledTokens += (int) mask[t];
          if (mask[t] == 0) {
            given.append(texts.get(t));
            assertEquals(0, c.completion().samplingLogProbs()[t]);
            assertEquals(0, c.completion().entropies()[t]);
            assertEquals(Region.OTHER, c.regions().get(t));
          } else {
            assertTrue(c.completion().samplingLogProbs()[t] < 0, "token " + t);
          }
        }
        StringBuilder expected = new StringBuilder();
        List<Episode.Turn> turns = episode(c).turns();
        for (int i = 0; i < turns.size() - 1; i++) {
          turns
              .get(i)
              .said()
              .results()
              .forEach(r -> expected.append("\n<|im_start|>tool\n" + r.output() + "<|im_end|>"));
          expected.append("\n<|im_start|>assistant\n");
          rounds++;
        }
        assertEquals(expected.toString(), given.toString());
      }
      assertTrue(rounds > 8, "the checkpoint calls tools: " + rounds);
      assertEquals(sampledTokens, h.updates.get(0).rows());
      assertTrue(h.updates.get(0).ratioDeviation() <= 1e-4, "sampler and trainer agree");
      assertEquals(sampledTokens, h.training.state().completionTokens());
      Map<String, Double> metrics = RolloutMetrics.of(sampled);
      assertEquals(
          sampled.stream().mapToInt(c -> episode(c).calls()).sum() / 8.0,
          Harness.value(metrics, "tools/call_frequency"),
          1e-12);
      assertEquals(sampledTokens / 8.0, Harness.value(metrics, "completions/mean_length"), 1e-9);
    }
  }

  @Test
  void stepsAreTheTurnsWithWhatCameBefore() {
    try (Harness h =
        harness("multi_turn_mode=steps", "token_weighting=rest", "rest_span_placement=covering")) {
      h.training.rolloutAndUpdates(1);
      List<ScoredCompletion> conversations = h.rollouts.get(0);
      List<ScoredCompletion> steps = TurnSamples.of(conversations, 1);
      int alone = 0;
      for (ScoredCompletion c : conversations) {
        List<Completion.Span> spans = c.completion().sampledSpans();
        for (int turn = 0; turn < spans.size(); turn++) {
          int number = turn;
          boolean compared =
              conversations.stream()
                      .filter(o -> o.group() == c.group() && episode(o).turns().size() > number)
                      .count()
                  > 1;
          alone += compared ? 0 : 1;
          ScoredCompletion step = find(steps, c, spans.get(turn));
          assertEquals(compared, step != null);
          if (step != null) {
            assertEquals(episode(c).returnFrom(turn), step.reward(), 1e-12);
          }
        }
      }
      assertEquals(
          conversations.stream().mapToInt(c -> episode(c).turns().size()).sum() - alone,
          steps.size());
      // Weights of a step have mean 1 over its tokens with a region, as of any completion.
      for (ScoredCompletion step : steps) {
        double sum = 0;
        int weighted = 0;
        for (float w : step.tokenWeights()) {
          sum += w;
          weighted += w > 0 ? 1 : 0;
        }
        assertEquals(weighted, sum, 1e-3);
      }
      assertTrue(h.updates.get(0).ratioDeviation() <= 1e-4, "sampler and trainer agree");
      assertEquals(
          steps.stream().mapToInt(s -> weighted(s.tokenWeights())).sum(), h.updates.get(0).rows());
    }
  }

  private static int weighted(float[] weights) {
    return (int) IntStream.range(0, weights.length).filter(t -> weights[t] > 0).count();
  }

  /** The step whose prompt and tokens are those of a turn. */
  private static @Nullable ScoredCompletion find(
      List<ScoredCompletion> steps, ScoredCompletion c, Completion.Span span) {
    long[] before =
        LongStream.concat(
                Arrays.stream(c.prompt().ids()),
                Arrays.stream(c.completion().ids()).limit(span.first()))
            .toArray();
    int[] tokens = Arrays.copyOfRange(c.completion().tokens(), span.first(), span.end());
    return steps.stream()
        .filter(
            s ->
                Arrays.equals(before, s.prompt().ids())
                    && Arrays.equals(tokens, s.completion().tokens()))
        .findFirst()
        .orElse(null);
  }

  /** What a tool writes is in no region, though it looks like a call. */
  @Test
  void regionsAreThoseOfTheTurnsOwnText() throws IOException {
    try (Policy policy = Policy.load(folder, false, TensorKernels.onHost())) {
      String call =
          """
          <tool_call>
          {"name": "get_volume", "parameters": {"room": "Hall"}}
          </tool_call>""";
      long[] said = policy.tokenizer().encode(call, false);
      long[] given = policy.tokenizer().encode("\ntool " + call + "\n", false);
      long[] all =
          LongStream.concat(
                  LongStream.concat(Arrays.stream(said), Arrays.stream(given)), Arrays.stream(said))
              .toArray();
      int second = said.length + given.length;
      AssistantTurn turn = new AssistantTurn(call, List.of(), List.of());
      Episode episode =
          new Episode(
              List.of(
                  new Episode.Turn(0, said.length, turn, 0.25),
                  new Episode.Turn(second, all.length, turn, -0.5)),
              Ending.ANSWERED,
              new Outcome(1, true));
      Completion completion =
          new Completion(
              0,
              Arrays.stream(all).mapToInt(Math::toIntExact).toArray(),
              new float[all.length],
              new float[all.length],
              true,
              episode);
      Scorer scorer =
          new Scorer(
              policy,
              Harness.config("environment=house", "reward_funcs=[environment]").reward(),
              new ToolCallRegions(),
              SpanPlacement.COVERING,
              100);
      var prompt =
          PromptSets.renderer(policy, Harness.config().model(), null)
              .render(HouseTask.trainPrompts(1).apply(0));
      ScoredCompletion scored = scorer.score(List.of(prompt), List.of(completion), 0, 0, 0).get(0);
      assertEquals(0.75, scored.reward(), 1e-12);
      assertEquals(Map.of("environment/turns", -0.25, "environment/outcome", 1.0), scored.parts());
      assertTrue(scored.exact());
      List<Region> first = scored.regions().subList(0, said.length);
      assertTrue(first.contains(Region.TOOL_NAME) && first.contains(Region.ARGUMENTS));
      assertEquals(first, scored.regions().subList(second, all.length));
      for (int t = said.length; t < second; t++) {
        assertEquals(Region.OTHER, scored.regions().get(t));
        assertEquals(1 << Region.OTHER.bit(), scored.regionSets()[t]);
      }
      assertArrayEquals(
          Arrays.copyOf(scored.regionSets(), said.length),
          Arrays.copyOfRange(scored.regionSets(), second, all.length));
      assertNotNull(scored.text());
    }
  }
}
