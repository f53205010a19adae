package org.grpo4j.trainer.recipe;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.TensorKernels;
import org.grpo4j.trainer.config.EvalConfig;
import org.grpo4j.trainer.config.ModelSettings;
import org.grpo4j.trainer.data.Example;
import org.grpo4j.trainer.data.PromptRenderer;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.task.PhrasingSet;
import org.grpo4j.trainer.weight.SpanPlacement;
import org.grpo4j.trainer.weight.ToolCallRegions;

/** Measures a checkpoint on held-out prompts. */
public final class EvalRun {
  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private EvalRun() {}

  /**
   * Evaluates and reports: one result for a file, one per set of phrasings for the embedded task.
   *
   * @return what was found by the name of the set
   */
  public static Map<String, Evaluator.Result> evaluate(EvalConfig config, PrintStream out) {
    Path folder = Workspace.modelFolder(config.model(), Workspace.temporaryFolder());
    try (TensorKernels kernels = Workspace.applyRuntime(config.runtime(), out);
        Policy policy = Policy.load(folder, false, kernels);
        Rollouts rollouts = Rollouts.of(policy, config.model(), config.environment())) {
      EvalConfig.Task task = config.task();
      Scorer scorer =
          new Scorer(
              policy,
              config.reward(),
              new ToolCallRegions(),
              SpanPlacement.COVERING,
              task.maxCompletionLength());
      Evaluator evaluator =
          new Evaluator(
              rollouts,
              scorer,
              new Evaluator.Settings(
                  task.maxCompletionLength(),
                  task.temperature(),
                  task.perDeviceEvalBatchSize(),
                  config.runtime().seed()));
      Map<String, Evaluator.Result> results = new LinkedHashMap<>();
      sets(config, policy, rollouts, out)
          .forEach(
              (name, prompts) -> {
                Evaluator.Result result = evaluator.evaluate(prompts);
                out.println(name + ": " + result.describe());
                results.put(name, result);
              });
      write(task.outputFile(), results);
      return results;
    }
  }

  private static Map<String, List<RenderedPrompt>> sets(
      EvalConfig config, Policy policy, Rollouts rollouts, PrintStream out) {
    EvalConfig.Task task = config.task();
    PromptRenderer renderer = PromptSets.renderer(policy, config.model(), task.maxPromptLength());
    Map<String, List<RenderedPrompt>> sets = new LinkedHashMap<>();
    if (!ModelSettings.isEmbedded(task.evalFile())) {
      sets.put(
          task.evalFile(),
          PromptSets.heldOut(renderer, task.evalFile(), task.evalPrompts(), rollouts, out));
      return sets;
    }
    for (PhrasingSet phrasings : PhrasingSet.values()) {
      List<Example> examples = PromptSets.embedded(task.evalFile(), phrasings, task.evalPrompts());
      sets.put(
          task.evalFile().replace('_', ' ')
              + " task, "
              + phrasings.name().toLowerCase(Locale.ROOT)
              + " phrasings",
          examples.stream().map(renderer::render).toList());
    }
    return sets;
  }

  private static void write(
      @org.jspecify.annotations.Nullable String file, Map<String, Evaluator.Result> results) {
    if (file == null) {
      return;
    }
    try {
      Files.writeString(Path.of(file), MAPPER.writeValueAsString(results) + "\n");
    } catch (IOException e) {
      throw new InputException(file + ": cannot be written (" + e + ")", e);
    }
  }
}
