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
  static PromptSets of(TrainConfig config, Policy policy, PrintStream out) {
    DataSettings data = config.data();
    PromptRenderer renderer = renderer(policy, config.model(), data.maxPromptLength());
    long seed = config.runtime().seed();
    PromptSource training =
        data.embedded()
            ? embeddedTraining(renderer, seed)
            : new ShuffledPrompts(file(renderer, data.trainFile(), out), seed);
    List<RenderedPrompt> heldOut =
        heldOut(renderer, data.evalFile(), data.embedded(), data.evalPrompts(), out);
    return new PromptSets(training, heldOut);
  }

  /** Held-out prompts: those of a file, of the embedded task, or none. */
  static List<RenderedPrompt> heldOut(
      PromptRenderer renderer,
      @Nullable String evalFile,
      boolean embedded,
      int most,
      PrintStream out) {
    if (most == 0) {
      return List.of();
    }
    if (evalFile == null ? embedded : evalFile.equals(ModelSettings.EMBEDDED)) {
      return EmbeddedTask.heldOut(PhrasingSet.UNSEEN, most, HELD_OUT_SEED).stream()
          .map(renderer::render)
          .toList();
    }
    if (evalFile == null) {
      return List.of();
    }
    List<RenderedPrompt> all = file(renderer, evalFile, out);
    return all.subList(0, Math.min(all.size(), most));
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

  private static PromptSource embeddedTraining(PromptRenderer renderer, long seed) {
    IntFunction<Example> stream = EmbeddedTask.trainPrompts(seed);
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

  private static List<RenderedPrompt> file(PromptRenderer renderer, String name, PrintStream out) {
    PromptRenderer.Rendered rendered =
        renderer.renderAll(judgeable(DataReader.read(Path.of(name)), out));
    out.printf(
        "%s: %d prompts, %d left out, longer than max_prompt_length%n",
        name, rendered.prompts().size(), rendered.dropped());
    return rendered.prompts();
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
