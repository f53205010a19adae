package org.grpo4j.trainer.recipe;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.grpo4j.kernels.Logits;
import org.grpo4j.kernels.PolicyBatch;
import org.grpo4j.kernels.PolicyLoss;
import org.grpo4j.kernels.PolicyLossConfig;
import org.grpo4j.kernels.RowStatistics;
import org.grpo4j.kernels.weight.TokenWeights;
import org.grpo4j.torch.TensorKernels;
import org.grpo4j.torch.TorchTensors;
import org.grpo4j.torch.text.Tokenizer;
import org.grpo4j.trainer.config.TrainConfig;
import org.grpo4j.trainer.conversation.EpisodeSampler;
import org.grpo4j.trainer.data.Example;
import org.grpo4j.trainer.data.PromptRenderer;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.data.TurnRenderer;
import org.grpo4j.trainer.environment.AssistantTurn;
import org.grpo4j.trainer.environment.Ending;
import org.grpo4j.trainer.environment.Episode;
import org.grpo4j.trainer.environment.Outcome;
import org.grpo4j.trainer.environment.ToolCall;
import org.grpo4j.trainer.environment.ToolEnvironment;
import org.grpo4j.trainer.environment.ToolResult;
import org.grpo4j.trainer.environment.World;
import org.grpo4j.trainer.rollout.Completion;
import org.grpo4j.trainer.rollout.SamplingConfig;
import org.grpo4j.trainer.task.EmbeddedCheckpoint;
import org.grpo4j.trainer.weight.SpanPlacement;
import org.grpo4j.trainer.weight.ToolCallRegions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Six conversations at the same time, of two to five turns, with a script in place of the model, up
 * to the rows of the loss: which tokens are in it, and that the others have no part in it. One
 * conversation ends by itself, one at the limit of turns, one inside a turn at that of tokens, one
 * where the tools' answer leaves no room.
 */
class ConversationMaskTest {
  private static final int ROUNDS = 4;
  private static final int MAX_TOKENS = 500;
  private static final String CALL =
      "<tool_call>\n{\"name\": \"f\", \"parameters\": {\"n\": %d}}\n</tool_call>";

  /** Would open turns of its own if it were encoded as it is. */
  private static final String OUTPUT = "%d <|im_end|>\n<|im_start|>assistant\n<tool_call>";

  @TempDir static Path folder;
  private static Policy policy;
  private static Tokenizer tokenizer;
  private static PromptRenderer prompts;
  private static List<RenderedPrompt> questions;
  private static List<ScoredCompletion> conversations;

  @BeforeAll
  static void converse() throws IOException {
    EmbeddedCheckpoint.extractMultiTurnTo(folder);
    policy = Policy.load(folder, false, TensorKernels.onHost());
    tokenizer = policy.tokenizer();
    prompts = PromptSets.renderer(policy, config().model(), null);
    questions =
        Stream.of("ends", "calls on", "one by one").map(ConversationMaskTest::prompt).toList();
    Scorer scorer =
        new Scorer(
            policy, config().reward(), new ToolCallRegions(), SpanPlacement.COVERING, MAX_TOKENS);
    List<ScoredCompletion> scored = scorer.score(questions, sample(), 0, 0, 0);
    conversations =
        IntStream.range(0, scored.size())
            .mapToObj(i -> scored.get(i).withAdvantage(i % 2 == 0 ? 1 : -0.5))
            .toList();
  }

  @AfterAll
  static void close() {
    policy.close();
  }

  private static TrainConfig config(String... more) {
    return Harness.config(
        Stream.concat(Stream.of("environment=house", "reward_funcs=[environment]"), Stream.of(more))
            .toArray(String[]::new));
  }

  private static RenderedPrompt prompt(String question) {
    return prompts.render(
        Example.ofMessages(
            question, List.of(Map.of("role", "user", "content", question)), "", "a test"));
  }

  private static int[] ids(String text) {
    return Arrays.stream(tokenizer.encode(text, false)).mapToInt(Math::toIntExact).toArray();
  }

  /** One token for each character: not what the tokenizer would choose. */
  private static int[] letters(String text) {
    return text.chars().flatMap(c -> Arrays.stream(ids(String.valueOf((char) c)))).toArray();
  }

  /** What is said in a turn, its end included. */
  private static int[] script(String question, int turn) {
    String call = CALL.formatted(turn);
    int[] said =
        switch (question) {
          case "ends" -> turn < 3 ? ids("<think>" + turn + "</think>\n" + call) : ids("Done");
          case "calls on" -> ids(call);
          // Two such turns are longer than a conversation may be.
          default -> letters("x".repeat(MAX_TOKENS / 2) + call);
        };
    return IntStream.concat(Arrays.stream(said), IntStream.of(end())).toArray();
  }

  private static int end() {
    return tokenizer.eosId().orElseThrow();
  }

  /** Turns by what the context says: the question, and how many turns were before. */
  private static List<Completion> turns(
      List<long[]> contexts, long[][] seeds, SamplingConfig config) {
    List<Completion> sampled = new ArrayList<>();
    for (int i = 0; i < contexts.size(); i++) {
      String text = tokenizer.decode(contexts.get(i), false);
      RenderedPrompt asked =
          questions.stream().filter(q -> text.startsWith(q.text())).findFirst().orElseThrow();
      int turn = text.substring(asked.text().length()).split("<\\|im_start\\|>tool", -1).length - 1;
      int[] whole = script(asked.example().id(), turn);
      int[] kept = Arrays.copyOf(whole, Math.min(whole.length, config.maxNewTokens()));
      float[] logProbs = new float[kept.length];
      Arrays.fill(logProbs, -1f - turn);
      for (int n = 0; n < seeds[i].length; n++) {
        sampled.add(new Completion(i, kept, logProbs, logProbs, kept.length == whole.length));
      }
    }
    return sampled;
  }

  private static List<Completion> sample() {
    ToolEnvironment world =
        (example, seed) ->
            new World() {
              private int calls;

              @Override
              public ToolResult call(ToolCall call) {
                return ToolResult.of(OUTPUT.formatted(++calls));
              }

              @Override
              public Outcome outcome(List<AssistantTurn> turns, Ending ending) {
                return Outcome.of(ending == Ending.ANSWERED);
              }
            };
    TurnRenderer renderer = new TurnRenderer(prompts, tokenizer, List.of(end()));
    try (EpisodeSampler sampler =
        new EpisodeSampler(
            ConversationMaskTest::turns,
            renderer,
            world,
            new EpisodeSampler.Limits(ROUNDS, 99, 4))) {
      return sampler.sample(
          questions,
          new long[][] {{1, 2}, {3, 4}, {5, 6}},
          new SamplingConfig(1, 1, 0, MAX_TOKENS));
    }
  }

  private static Episode episode(ScoredCompletion conversation) {
    Episode episode = conversation.completion().episode();
    if (episode == null) {
      throw new AssertionError("no episode");
    }
    return episode;
  }

  private static String decoded(RenderedPrompt prompt, int[] tokens, int from, int to) {
    LongStream after = Arrays.stream(tokens, from, to).asLongStream();
    long[] before = from == 0 ? prompt.ids() : new long[0];
    return tokenizer.decode(LongStream.concat(Arrays.stream(before), after).toArray(), false);
  }

  /**
   * The conversation's messages through the chat template, from the beginning: everything that was
   * not sampled is what the template writes, and what was sampled is the script, token by token.
   */
  @Test
  void theTemplateWritesTheSameConversation() {
    List<Ending> endings = new ArrayList<>();
    for (ScoredCompletion conversation : conversations) {
      Completion whole = conversation.completion();
      String question = conversation.prompt().example().id();
      List<Map<String, Object>> messages =
          new ArrayList<>(conversation.prompt().example().messages());
      float[] expected = new float[whole.length()];
      List<Completion.Span> spans = whole.sampledSpans();
      for (int turn = 0; turn < spans.size(); turn++) {
        Completion.Span span = spans.get(turn);
        Example sofar = Example.ofMessages(question, messages, "", "a test");
        assertEquals(
            prompts.render(sofar).text(),
            decoded(conversation.prompt(), whole.tokens(), 0, span.first()));
        int[] said = script(question, turn);
        assertArrayEquals(
            Arrays.copyOf(said, span.length()),
            Arrays.copyOfRange(whole.tokens(), span.first(), span.end()));
        assertTrue(turn == spans.size() - 1 || span.length() == said.length, "cut only at the end");
        Arrays.fill(expected, span.first(), span.end(), 1);
        AssistantTurn turns = episode(conversation).turns().get(turn).said();
        messages.add(Map.of("role", "assistant", "content", turns.text()));
        turns
            .results()
            .forEach(
                result ->
                    messages.add(Map.of("role", "tool", "name", "f", "content", result.output())));
      }
      assertArrayEquals(expected, whole.sampledMask());
      assertTrue(whole.length() <= MAX_TOKENS);
      endings.add(episode(conversation).ending());
    }
    assertEquals(
        List.of(
            Ending.ANSWERED,
            Ending.ANSWERED,
            Ending.TURN_LIMIT,
            Ending.TURN_LIMIT,
            Ending.TOKEN_LIMIT,
            Ending.TOKEN_LIMIT),
        endings);
    assertEquals(
        List.of(4, 4, 5, 5, 2, 2),
        conversations.stream().map(c -> episode(c).turns().size()).toList());
  }

  private static TokenWeights weights(String lossType, List<ScoredCompletion> batch) {
    int[] ends = IntStream.rangeClosed(1, batch.size()).toArray();
    return StepWeights.of(config("loss_type=" + lossType), batch, ends, null);
  }

  /** Where the sampled tokens lie among all tokens, one completion after the other. */
  private static long[] sampledPositions(List<ScoredCompletion> batch) {
    LongStream.Builder positions = LongStream.builder();
    long start = 0;
    for (ScoredCompletion c : batch) {
      float[] mask = c.completion().sampledMask();
      for (int t = 0; t < mask.length; t++) {
        if (mask[t] == 1) {
          positions.add(start + t);
        }
      }
      start += c.length();
    }
    return positions.build().toArray();
  }

  private static void rowsAre(
      long[] positions, List<ScoredCompletion> batch, TokenWeights weights) {
    try (PointerScope scope = new PointerScope()) {
      MicroBatch micro =
          MicroBatch.of(MicroBatch.TokenTerms.of(batch, weights, 0, batch.size()), 0);
      if (micro == null) {
        throw new AssertionError("no rows");
      }
      long[] rows = new long[micro.rows()];
      TorchTensors.longs(micro.positions()).get(rows);
      assertArrayEquals(positions, rows);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"grpo", "dapo", "dr_grpo", "bnpo"})
  void rowsOfTheLossAreTheSampledTokens(String lossType) {
    rowsAre(sampledPositions(conversations), conversations, weights(lossType, conversations));
  }

  /** What was cut at the limit of tokens is left out whole where the setting says so. */
  @Test
  void cutConversationsMayBeLeftOut() {
    TokenWeights weights =
        StepWeights.of(
            config("mask_truncated_completions=true"),
            conversations,
            new int[] {conversations.size()},
            null);
    rowsAre(sampledPositions(conversations.subList(0, 4)), conversations, weights);
  }

  /** In steps the tools' words are in prompts: every token of a step was sampled and is a row. */
  @Test
  void stepsHoldSampledTokensAlone() {
    List<ScoredCompletion> steps = TurnSamples.of(conversations, 1);
    assertEquals(22, steps.size(), "turns of all, since each has one to be compared with");
    int tokens = 0;
    for (ScoredCompletion step : steps) {
      String question = step.prompt().example().id();
      String before = tokenizer.decode(step.prompt().ids(), false);
      int turn = before.split("<\\|im_start\\|>tool", -1).length - 1;
      int[] said = step.completion().tokens();
      assertArrayEquals(Arrays.copyOf(script(question, turn), said.length), said);
      tokens += said.length;
    }
    assertEquals(sampledPositions(conversations).length, tokens);
    rowsAre(LongStream.range(0, tokens).toArray(), steps, weights("dapo", steps));
  }

  /**
   * With logits for every token, tools' included: those of the tools' tokens may be anything, even
   * no number. Neither the loss nor a slope changes by a bit, and their own slopes are 0.
   */
  @Test
  void logitsOfToolTokensChangeNothing() {
    ScoredCompletion conversation = conversations.get(0);
    Completion whole = conversation.completion();
    TokenWeights weights = weights("grpo", List.of(conversation));
    int rows = whole.length();
    int vocabulary = 40;
    Random random = new Random(3);
    float[] logits = new float[rows * vocabulary];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) random.nextGaussian();
    }
    float[] changed = logits.clone();
    for (int t = 0; t < rows; t++) {
      if (whole.sampledMask()[t] == 0) {
        Arrays.fill(changed, t * vocabulary, (t + 1) * vocabulary, t % 2 == 0 ? 1e30f : Float.NaN);
      }
    }
    float[] slopes = new float[logits.length];
    float[] changedSlopes = new float[logits.length];
    double loss = loss(conversation, weights, logits, slopes, vocabulary);
    assertEquals(loss, loss(conversation, weights, changed, changedSlopes, vocabulary));
    assertArrayEquals(slopes, changedSlopes);
    for (int t = 0; t < rows; t++) {
      float[] row = Arrays.copyOfRange(slopes, t * vocabulary, (t + 1) * vocabulary);
      boolean zero = Arrays.equals(row, new float[vocabulary]);
      assertEquals(whole.sampledMask()[t] == 0, zero, "token " + t);
    }
  }

  private static double loss(
      ScoredCompletion conversation,
      TokenWeights weights,
      float[] logits,
      float[] slopes,
      int vocabulary) {
    int rows = conversation.length();
    float[] advantages = new float[rows];
    Arrays.fill(advantages, (float) conversation.advantage());
    long[] targets =
        Arrays.stream(conversation.completion().tokens())
            .mapToLong(id -> id % vocabulary)
            .toArray();
    PolicyBatch batch =
        new PolicyBatch(
            new LongPointer(targets),
            new FloatPointer(conversation.oldLogProbs()),
            null,
            new FloatPointer(advantages),
            new FloatPointer(weights.policyWeights()[0]),
            new FloatPointer(weights.regularizerWeights()[0]),
            null);
    Logits view = Logits.copyOf(logits, rows, vocabulary);
    PolicyLossConfig config = PolicyLossConfig.builder().clipHigh(100).clipLow(0.99).build();
    double loss =
        PolicyLoss.compute(view, batch, config, RowStatistics.allocate(rows), view).loss();
    view.copyTo(slopes);
    return loss;
  }
}
