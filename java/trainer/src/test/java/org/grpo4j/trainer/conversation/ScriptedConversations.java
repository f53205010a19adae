package org.grpo4j.trainer.conversation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.grpo4j.torch.text.ChatTemplate;
import org.grpo4j.torch.text.Tokenizer;
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
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** Conversations with a script in place of the model: every token is known beforehand. */
abstract class ScriptedConversations {
  static final String CALL =
      """
      <tool_call>
      {"name": "get_heating", "parameters": {"room": "Hall"}}
      </tool_call>""";
  static final String AFTER_CALL =
      "\n<|im_start|>tool\n{\"degrees\": 15}<|im_end|>\n<|im_start|>assistant\n";
  static final String ANSWER = "<response>15</response>";

  @TempDir static Path folder;
  static Tokenizer tokenizer;
  static PromptRenderer prompts;

  @BeforeAll
  static void load() throws IOException {
    EmbeddedCheckpoint.extractTo(folder);
    tokenizer = Tokenizer.load(folder);
    prompts = new PromptRenderer(tokenizer, ChatTemplate.load(folder), Map.of(), 1000);
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  static int end() {
    return tokenizer.eosId().orElseThrow();
  }

  static int[] ids(String text) {
    return Arrays.stream(tokenizer.encode(text, false)).mapToInt(Math::toIntExact).toArray();
  }

  /** The text's ids and the end of the turn. */
  static int[] turn(String text) {
    return IntStream.concat(Arrays.stream(ids(text)), IntStream.of(end())).toArray();
  }

  /** One token for each byte: not what the tokenizer would choose. */
  static int[] letters(String text) {
    return text.chars().flatMap(c -> Arrays.stream(ids(String.valueOf((char) c)))).toArray();
  }

  static RenderedPrompt prompt(String question) {
    return prompts.render(
        Example.ofMessages(
            question, List.of(Map.of("role", "user", "content", question)), "15", "a test"));
  }

  /** Answers every context with the next turn of its script, which the question numbers. */
  static final class Script implements EpisodeSampler.TurnSampler {
    final List<List<long[]>> contexts = new ArrayList<>();
    final List<long[][]> seeds = new ArrayList<>();
    private final BiFunction<Integer, Integer, int[]> turns;

    /**
     * @param turns tokens of a turn by the number of the conversation, in the order in which it
     *     opened, and the turn's number
     */
    Script(BiFunction<Integer, Integer, int[]> turns) {
      this.turns = turns;
    }

    private final List<Integer> open = new ArrayList<>();

    @Override
    public List<Completion> sample(List<long[]> given, long[][] givenSeeds, SamplingConfig config) {
      int round = contexts.size();
      contexts.add(given);
      seeds.add(givenSeeds);
      List<Completion> sampled = new ArrayList<>();
      int n = Arrays.stream(givenSeeds).mapToInt(s -> s.length).sum();
      if (round == 0) {
        IntStream.range(0, n).forEach(open::add);
      }
      assertEquals(open.size(), n, "conversations that are still open");
      List<Integer> next = new ArrayList<>();
      for (int i = 0; i < n; i++) {
        int[] tokens = turns.apply(open.get(i), round);
        int[] kept = Arrays.copyOf(tokens, Math.min(tokens.length, config.maxNewTokens()));
        float[] values = new float[kept.length];
        Arrays.fill(values, -1 - round);
        sampled.add(
            new Completion(
                0,
                kept,
                values,
                values.clone(),
                kept.length > 0 && kept[kept.length - 1] == end()));
        if (tokenizer.decode(sampled.get(i).ids(), true).contains("</tool_call>")
            && sampled.get(i).finished()) {
          next.add(open.get(i));
        }
      }
      open.clear();
      open.addAll(next);
      return sampled;
    }
  }

  /** A world whose calls are answered by a function. */
  record Answering(BiFunction<Example, ToolCall, ToolResult> calls, AtomicInteger closed)
      implements ToolEnvironment {
    static Answering of(BiFunction<Example, ToolCall, ToolResult> calls) {
      return new Answering(calls, new AtomicInteger());
    }

    static Answering of(String output) {
      return of((example, call) -> ToolResult.of(output));
    }

    @Override
    public World open(Example example, long seed) {
      return new World() {
        @Override
        public ToolResult call(ToolCall call) {
          return calls.apply(example, call);
        }

        @Override
        public double turnReward(AssistantTurn turn) {
          return 0.25 * turn.results().size() - turn.failures();
        }

        @Override
        public Outcome outcome(List<AssistantTurn> turns, Ending ending) {
          return new Outcome(turns.size(), ending == Ending.ANSWERED);
        }

        @Override
        public void close() {
          closed.incrementAndGet();
        }
      };
    }
  }

  static final EpisodeSampler.Limits LIMITS = new EpisodeSampler.Limits(5, 100, 4);

  static List<Completion> run(
      Script script, ToolEnvironment environment, EpisodeSampler.Limits limits, int maxTokens) {
    return run(script, environment, limits, maxTokens, List.of(prompt("q")), new long[][] {{7}});
  }

  static List<Completion> run(
      Script script,
      ToolEnvironment environment,
      EpisodeSampler.Limits limits,
      int maxTokens,
      List<RenderedPrompt> questions,
      long[][] seeds) {
    TurnRenderer renderer = new TurnRenderer(prompts, tokenizer, List.of(end()));
    try (EpisodeSampler sampler = new EpisodeSampler(script, renderer, environment, limits)) {
      return sampler.sample(questions, seeds, new SamplingConfig(1, 1, 0, maxTokens));
    }
  }

  static Episode episode(Completion completion) {
    Episode episode = completion.episode();
    if (episode == null) {
      throw new AssertionError("no episode");
    }
    return episode;
  }

  static int[] concat(int[]... parts) {
    return Stream.of(parts).flatMapToInt(Arrays::stream).toArray();
  }
}
