package org.grpo4j.trainer.conversation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.data.TurnRenderer;
import org.grpo4j.trainer.environment.AssistantTurn;
import org.grpo4j.trainer.environment.CallReader;
import org.grpo4j.trainer.environment.Ending;
import org.grpo4j.trainer.environment.ToolCall;
import org.grpo4j.trainer.environment.ToolEnvironment;
import org.grpo4j.trainer.environment.ToolResult;
import org.grpo4j.trainer.environment.World;
import org.grpo4j.trainer.rollout.Completion;
import org.grpo4j.trainer.rollout.SamplingConfig;

/**
 * Samples conversations: a turn of the model for every open one in a batch, the calls in them
 * carried out by several threads, their answers appended through the chat template, and again until
 * each has ended.
 *
 * <p>What was sampled is never decoded and encoded again: the next turn follows the very ids of the
 * turns before it. A turn prefills its conversation anew.
 */
public final class EpisodeSampler implements AutoCloseable {
  private final TurnSampler sampler;
  private final TurnRenderer renderer;
  private final ToolEnvironment environment;
  private final Limits limits;
  private final ExecutorService threads;

  /**
   * What samples a turn, as {@link org.grpo4j.trainer.rollout.Sampler#sample} does: completions in
   * the order prompt 0 (0..), prompt 1, …
   */
  @FunctionalInterface
  public interface TurnSampler {
    List<Completion> sample(List<long[]> prompts, long[][] seeds, SamplingConfig config);
  }

  /**
   * Bounds of a conversation; that of its tokens is {@link SamplingConfig#maxNewTokens}, tools'
   * tokens included.
   *
   * @param rounds of calls that are carried out, at most
   * @param toolOutputTokens of one call's output that the model is shown, at most
   * @param threads that carry out calls
   */
  public record Limits(int rounds, int toolOutputTokens, int threads) {
    public Limits {
      if (rounds < 0 || toolOutputTokens < 1 || threads < 1) {
        throw new IllegalArgumentException(
            "want rounds >= 0, toolOutputTokens >= 1 and threads >= 1, got "
                + List.of(rounds, toolOutputTokens, threads));
      }
    }
  }

  /** Takes over nothing: sampler, renderer and environment stay the caller's. */
  public EpisodeSampler(
      TurnSampler sampler, TurnRenderer renderer, ToolEnvironment environment, Limits limits) {
    this.sampler = sampler;
    this.renderer = renderer;
    this.environment = environment;
    this.limits = limits;
    this.threads =
        Executors.newFixedThreadPool(
            limits.threads(),
            task -> {
              Thread thread = new Thread(task, "tool-calls");
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Samples {@code seeds[p].length} conversations for prompt p.
   *
   * @param config whose maxNewTokens bounds a whole conversation
   * @return completions with their {@link Completion#episode}, in the order prompt 0 (0..G-1),
   *     prompt 1, …
   * @throws InputException the chat template cannot go on after a turn, or a row has no world
   */
  public List<Completion> sample(
      List<RenderedPrompt> prompts, long[][] seeds, SamplingConfig config) {
    List<Conversation> all = new ArrayList<>();
    try {
      for (int p = 0; p < seeds.length; p++) {
        for (long seed : seeds[p]) {
          World world = environment.open(prompts.get(p).example(), seed);
          all.add(new Conversation(p, prompts.get(p), seed, world));
        }
      }
      List<Conversation> open = all;
      while (!open.isEmpty()) {
        List<Completion> sampled = sampleTurn(open, config);
        answer(open, sampled, config.maxNewTokens());
        open = open.stream().filter(Conversation::open).toList();
      }
      return all.stream().map(Conversation::completion).toList();
    } finally {
      all.forEach(conversation -> conversation.world().close());
    }
  }

  /** One turn of each, within what its conversation has left. */
  private List<Completion> sampleTurn(List<Conversation> open, SamplingConfig config) {
    List<long[]> contexts = new ArrayList<>();
    List<long[]> seeds = new ArrayList<>();
    for (int i = 0; i < open.size(); i++) {
      Conversation conversation = open.get(i);
      boolean sharesContext =
          i > 0
              && conversation.length() == 0
              && open.get(i - 1).length() == 0
              && open.get(i - 1).prompt() == conversation.prompt();
      if (sharesContext) {
        // The prompt of a group is prefilled once.
        long[] before = seeds.get(seeds.size() - 1);
        long[] more = Arrays.copyOf(before, before.length + 1);
        more[before.length] = conversation.nextSeed();
        seeds.set(seeds.size() - 1, more);
      } else {
        contexts.add(conversation.context());
        seeds.add(new long[] {conversation.nextSeed()});
      }
    }
    int most = open.stream().mapToInt(c -> config.maxNewTokens() - c.length()).max().orElseThrow();
    SamplingConfig turn =
        new SamplingConfig(config.temperature(), config.topP(), config.topK(), most);
    return sampler.sample(contexts, seeds.toArray(long[][]::new), turn);
  }

  /** Appends the sampled turns, carries out their calls and appends the answers. */
  private void answer(List<Conversation> open, List<Completion> sampled, int maxTokens) {
    List<Callable<AssistantTurn>> work = new ArrayList<>();
    List<Completion.Span> spans = new ArrayList<>();
    for (int i = 0; i < open.size(); i++) {
      Conversation conversation = open.get(i);
      Completion turn = cut(sampled.get(i), maxTokens - conversation.length());
      spans.add(conversation.appendSampled(turn));
      String text = renderer.text(turn.ids());
      List<ToolCall> calls = turn.finished() ? CallReader.read(text) : List.of();
      boolean carriedOut = !calls.isEmpty() && conversation.turns() < limits.rounds();
      if (!turn.finished()) {
        conversation.end(Ending.TOKEN_LIMIT);
      } else if (calls.isEmpty()) {
        conversation.end(Ending.ANSWERED);
      } else if (!carriedOut) {
        conversation.end(Ending.TURN_LIMIT);
      }
      work.add(
          () ->
              new AssistantTurn(
                  text, calls, carriedOut ? results(conversation.world(), calls) : List.of()));
    }
    List<AssistantTurn> said = inOrder(work);
    for (int i = 0; i < open.size(); i++) {
      open.get(i).addTurn(spans.get(i), said.get(i));
      goOn(open.get(i), maxTokens);
    }
  }

  /** Appends the tools' answers and the opening of the next turn, where there is to be one. */
  private void goOn(Conversation conversation, int maxTokens) {
    if (!conversation.open()) {
      return;
    }
    if (conversation.world().ended()) {
      conversation.end(Ending.WORLD_ENDED);
      return;
    }
    long[] given = renderer.afterTurn(conversation.prompt().example(), conversation.history());
    if (conversation.length() + given.length >= maxTokens) {
      conversation.end(Ending.TOKEN_LIMIT);
    } else {
      conversation.appendGiven(given);
    }
  }

  private List<ToolResult> results(World world, List<ToolCall> calls) {
    List<ToolResult> results = new ArrayList<>();
    for (ToolCall call : calls) {
      ToolResult result = result(world, call);
      results.add(
          new ToolResult(
              renderer.bounded(result.output(), limits.toolOutputTokens()), result.failed()));
    }
    return results;
  }

  private static ToolResult result(World world, ToolCall call) {
    String problem = call.problem();
    if (problem != null) {
      return ToolResult.failure(problem);
    }
    try {
      return world.call(call);
    } catch (InputException e) {
      throw e;
    } catch (RuntimeException e) {
      // As TRL does: what a tool throws is shown to the model and counted as a failure.
      return ToolResult.failure(String.valueOf(e.getMessage() == null ? e : e.getMessage()));
    }
  }

  /** A turn within its conversation's own limit; the batch was sampled with the largest. */
  private static Completion cut(Completion turn, int most) {
    if (turn.length() <= most) {
      return turn;
    }
    return new Completion(
        turn.prompt(),
        Arrays.copyOf(turn.tokens(), most),
        Arrays.copyOf(turn.samplingLogProbs(), most),
        Arrays.copyOf(turn.entropies(), most),
        false);
  }

  /** Results in the order of the work, whichever thread is done first. */
  private List<AssistantTurn> inOrder(List<Callable<AssistantTurn>> work) {
    try {
      List<AssistantTurn> said = new ArrayList<>();
      for (Future<AssistantTurn> done : threads.invokeAll(work)) {
        said.add(done.get());
      }
      return said;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while tools were called", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (e.getCause() instanceof Error cause) {
        throw cause;
      }
      throw new IllegalStateException("a call cannot be carried out", e.getCause());
    }
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
