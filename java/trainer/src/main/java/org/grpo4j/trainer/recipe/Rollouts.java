package org.grpo4j.trainer.recipe;

import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.config.EnvironmentSettings;
import org.grpo4j.trainer.config.ModelSettings;
import org.grpo4j.trainer.conversation.EpisodeSampler;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.data.TurnRenderer;
import org.grpo4j.trainer.environment.Environments;
import org.grpo4j.trainer.environment.ToolEnvironment;
import org.grpo4j.trainer.rollout.Completion;
import org.grpo4j.trainer.rollout.SamplingConfig;
import org.jspecify.annotations.Nullable;

/** What follows a run's prompts: one answer, or a conversation with its environment. */
final class Rollouts implements AutoCloseable {
  private final Policy policy;
  private final @Nullable ToolEnvironment environment;
  private final @Nullable EpisodeSampler episodes;

  private Rollouts(
      Policy policy, @Nullable ToolEnvironment environment, @Nullable EpisodeSampler episodes) {
    this.policy = policy;
    this.environment = environment;
    this.episodes = episodes;
  }

  /** One answer to each prompt. */
  static Rollouts singleTurn(Policy policy) {
    return new Rollouts(policy, null, null);
  }

  /**
   * As the settings say.
   *
   * @throws org.grpo4j.torch.InputException there is no such environment
   */
  static Rollouts of(Policy policy, ModelSettings model, EnvironmentSettings settings) {
    String name = settings.environment();
    if (name == null) {
      return singleTurn(policy);
    }
    ToolEnvironment environment = Environments.create(name, settings.environmentOptions());
    TurnRenderer renderer =
        new TurnRenderer(
            PromptSets.renderer(policy, model, null), policy.tokenizer(), policy.stopTokens());
    EpisodeSampler.Limits limits =
        new EpisodeSampler.Limits(
            settings.rounds(), settings.maxToolOutputTokens(), settings.toolThreads());
    return new Rollouts(
        policy,
        environment,
        new EpisodeSampler(
            (prompts, seeds, config) -> policy.sampler().sample(prompts, seeds, config),
            renderer,
            environment,
            limits));
  }

  /** Whether completions are conversations. */
  boolean multiTurn() {
    return episodes != null;
  }

  /** Signatures of the environment's tools, for rows that bring none. */
  List<Map<String, Object>> tools() {
    return environment == null ? List.of() : environment.tools();
  }

  /** As {@link EpisodeSampler#sample}. */
  List<Completion> sample(List<RenderedPrompt> prompts, long[][] seeds, SamplingConfig config) {
    return episodes == null
        ? policy.sampler().sample(prompts.stream().map(RenderedPrompt::ids).toList(), seeds, config)
        : episodes.sample(prompts, seeds, config);
  }

  @Override
  public void close() {
    if (episodes != null) {
      episodes.close();
    }
    if (environment != null) {
      environment.close();
    }
  }
}
