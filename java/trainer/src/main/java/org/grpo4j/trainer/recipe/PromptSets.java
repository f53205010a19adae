package org.grpo4j.trainer.recipe;

import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntFunction;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.text.ChatTemplate;
import org.grpo4j.trainer.config.DataSettings;
import org.grpo4j.trainer.config.ModelSettings;
import org.grpo4j.trainer.config.TrainConfig;
import org.grpo4j.trainer.data.DataReader;
import org.grpo4j.trainer.data.Example;
import org.grpo4j.trainer.data.PromptRenderer;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.reward.ToolRlReward;
import org.grpo4j.trainer.task.EmbeddedTask;
import org.grpo4j.trainer.task.HouseTask;
import org.grpo4j.trainer.task.PhrasingSet;
import org.jspecify.annotations.Nullable;

/**
 * The prompts of a run.
 *
 * @param training what rollouts draw from
 * @param heldOut what evaluations answer; empty where there is none
 */
record PromptSets(PromptSource training, List<RenderedPrompt> heldOut) {
  /** Held-out prompts of the embedded task do not depend on the run's seed: runs compare. */
  static final long HELD_OUT_SEED = 20251123;

  /** Reads and renders the prompts, and prints what was left out. */
  static PromptSets of(TrainConfig config, Policy policy, Rollouts rollouts, PrintStream out) {
    DataSettings data = config.data();
    PromptRenderer renderer = renderer(policy, config.model(), data.maxPromptLength());
    long seed = config.runtime().seed();
    PromptSource training =
        data.embedded()
            ? embeddedTraining(renderer, data.trainFile(), seed)
            : new ShuffledPrompts(
                file(renderer, data.trainFile(), data.decomposeTurns(), rollouts, out), seed);
    return new PromptSets(
        training, heldOut(renderer, data.heldOut(), data.evalPrompts(), rollouts, out));
  }

  /**
   * Held-out prompts.
   *
   * @param name of a file or an embedded task, null for none
   * @param most how many, at most
   */
  static List<RenderedPrompt> heldOut(
      PromptRenderer renderer,
      @Nullable String name,
      int most,
      Rollouts rollouts,
      PrintStream out) {
    if (most == 0 || name == null) {
      return List.of();
    }
    if (ModelSettings.isEmbedded(name)) {
      return embedded(name, PhrasingSet.UNSEEN, most).stream().map(renderer::render).toList();
    }
    List<RenderedPrompt> all = file(renderer, name, false, rollouts, out);
    return all.subList(0, Math.min(all.size(), most));
  }

  /** Held-out prompts of an embedded task. */
  static List<Example> embedded(String name, PhrasingSet phrasings, int count) {
    return name.equals(ModelSettings.EMBEDDED_MULTI_TURN)
        ? HouseTask.heldOut(phrasings, count, HELD_OUT_SEED)
        : EmbeddedTask.heldOut(phrasings, count, HELD_OUT_SEED);
  }

  /**
   * A renderer with the chat template of the policy's folder, where it has one.
   *
   * @param maxTokens of a prompt, null for no limit
   */
  static PromptRenderer renderer(Policy policy, ModelSettings model, @Nullable Integer maxTokens) {
    return new PromptRenderer(
        policy.tokenizer(),
        ChatTemplate.load(policy.folder()),
        model.chatTemplateKwargs(),
        maxTokens == null ? Integer.MAX_VALUE : maxTokens);
  }

  private static PromptSource embeddedTraining(PromptRenderer renderer, String name, long seed) {
    IntFunction<Example> stream =
        name.equals(ModelSettings.EMBEDDED_MULTI_TURN)
            ? HouseTask.trainPrompts(seed)
            : EmbeddedTask.trainPrompts(seed);
    return new PromptSource() {
      @Override
      public RenderedPrompt at(long index) {
        return renderer.render(stream.apply(Math.toIntExact(index)));
      }

      @Override
      public long size() {
        throw new InputException(
            "the embedded task has no last prompt: give max_steps instead of num_train_epochs");
      }
    };
  }

  private static List<RenderedPrompt> file(
      PromptRenderer renderer, String name, boolean inSteps, Rollouts rollouts, PrintStream out) {
    List<Example> rows = DataReader.read(Path.of(name));
    List<Example> examples =
        inSteps ? rows.stream().flatMap(row -> row.steps().stream()).toList() : rows;
    PromptRenderer.Rendered rendered =
        renderer.renderAll(
            rollouts.multiTurn() ? withTools(examples, rollouts) : judgeable(examples, out));
    out.printf(
        "%s: %d prompts, %d left out, longer than max_prompt_length%n",
        name, rendered.prompts().size(), rendered.dropped());
    return rendered.prompts();
  }

  /** The environment's tools for rows that bring none; its judgement needs no reference call. */
  private static List<Example> withTools(List<Example> examples, Rollouts rollouts) {
    for (Example example : examples) {
      if (example.prompt() != null) {
        throw new InputException(
            example.source()
                + ": the prompt is raw text: a conversation with an environment starts from"
                + " messages");
      }
    }
    return examples.stream()
        .map(e -> e.tools().isEmpty() ? e.withTools(rollouts.tools()) : e)
        .toList();
  }

  /** Leaves out rows whose reference answer no completion could be compared with. */
  private static List<Example> judgeable(List<Example> examples, PrintStream out) {
    List<Example> kept = examples.stream().filter(e -> ToolRlReward.canJudge(e.answer())).toList();
    if (kept.isEmpty()) {
      throw new InputException(
          examples.get(0).source()
              + ": no row's answer has a readable tool_call block (one JSON object per line)");
    }
    if (kept.size() < examples.size()) {
      Example first =
          examples.stream()
              .filter(e -> !ToolRlReward.canJudge(e.answer()))
              .findFirst()
              .orElseThrow();
      out.printf(
          "%d rows left out: the tool_call block of their answer is not readable, first %s%n",
          examples.size() - kept.size(), first.source());
    }
    return kept;
  }
}
