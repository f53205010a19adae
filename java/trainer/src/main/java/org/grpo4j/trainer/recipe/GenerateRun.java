package org.grpo4j.trainer.recipe;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.grpo4j.torch.TensorKernels;
import org.grpo4j.trainer.config.GenerateConfig;
import org.grpo4j.trainer.data.Example;
import org.grpo4j.trainer.data.PromptRenderer;
import org.grpo4j.trainer.data.RenderedPrompt;
import org.grpo4j.trainer.rollout.Completion;
import org.grpo4j.trainer.rollout.SamplingConfig;
import org.grpo4j.trainer.rollout.SequenceRandom;

/** Completes prompts with a checkpoint, one JSON line for each completion. */
public final class GenerateRun {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** Prompts answered together. */
  private static final int BATCH = 32;

  private GenerateRun() {}

  /**
   * Generates.
   *
   * @param out where completions go when no output_file is set
   * @param messages where everything else is printed, so that {@code out} stays JSON lines
   */
  public static void generate(GenerateConfig config, PrintStream out, PrintStream messages) {
    GenerateConfig.Sampling settings = config.sampling();
    Path folder = Workspace.modelFolder(config.model(), Workspace.temporaryFolder());
    String file = settings.outputFile();
    try (TensorKernels kernels = Workspace.applyRuntime(config.runtime(), messages);
        Policy policy = Policy.load(folder, false, kernels)) {
      List<RenderedPrompt> prompts = prompts(config, policy, messages);
      if (file == null) {
        write(config, policy, prompts, out);
      } else {
        try (PrintStream sink = open(Path.of(file))) {
          write(config, policy, prompts, sink);
        }
      }
    }
  }

  private static void write(
      GenerateConfig config, Policy policy, List<RenderedPrompt> prompts, PrintStream sink) {
    GenerateConfig.Sampling settings = config.sampling();
    SamplingConfig sampling =
        new SamplingConfig(
            settings.temperature(),
            settings.topP(),
            settings.topK(),
            settings.maxCompletionLength());
    for (int from = 0; from < prompts.size(); from += BATCH) {
      List<RenderedPrompt> part = prompts.subList(from, Math.min(prompts.size(), from + BATCH));
      long[][] seeds = new long[part.size()][settings.numGenerations()];
      for (int p = 0; p < seeds.length; p++) {
        int prompt = from + p;
        Arrays.setAll(seeds[p], g -> SequenceRandom.seed(config.runtime().seed(), prompt, g));
      }
      for (Completion c :
          policy
              .sampler()
              .sample(part.stream().map(RenderedPrompt::ids).toList(), seeds, sampling)) {
        sink.println(line(part.get(c.prompt()), c, policy));
      }
      if (sink.checkError()) {
        String file = settings.outputFile();
        throw new InputException(
            (file == null ? "standard output" : file) + ": cannot be written: is the disk full?");
      }
    }
  }

  private static List<RenderedPrompt> prompts(
      GenerateConfig config, Policy policy, PrintStream messages) {
    PromptRenderer renderer = PromptSets.renderer(policy, config.model(), null);
    String prompt = config.sampling().prompt();
    if (prompt != null) {
      return List.of(
          renderer.render(
              Example.ofMessages(
                  "1", List.of(Map.of("role", "user", "content", prompt)), "", "prompt")));
    }
    String file = config.sampling().promptFile();
    return PromptSets.heldOut(
        renderer, file, config.sampling().maxPrompts(), Rollouts.singleTurn(policy), messages);
  }

  private static PrintStream open(Path file) {
    try {
      return new PrintStream(Files.newOutputStream(file), false, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new InputException(file + ": cannot be written (" + e + ")", e);
    }
  }

  private static String line(RenderedPrompt prompt, Completion c, Policy policy) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("prompt", prompt.text());
    fields.put("completion", policy.text(c.tokens()));
    fields.put("tokens", c.tokens());
    fields.put("log_probs", c.samplingLogProbs());
    fields.put("finished", c.finished());
    try {
      return MAPPER.writeValueAsString(fields);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a completion has no JSON form", e);
    }
  }
}
