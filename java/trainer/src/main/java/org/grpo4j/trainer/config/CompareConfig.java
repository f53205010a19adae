package org.grpo4j.trainer.config;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;

/**
 * Settings of {@code ./grpo4j compare}: methods × seeds on the embedded tasks at equal tokens.
 *
 * @param comparison what is compared
 */
public record CompareConfig(Comparison comparison) {
  /** What each task sets; every name here is one that {@code tasks} allows. */
  private static final Map<String, List<String>> TASKS =
      Map.of(
          "single", List.of("train_file=" + ModelSettings.EMBEDDED),
          "multi", List.of("train_file=" + ModelSettings.EMBEDDED_MULTI_TURN));

  private static final List<String> TAKEN =
      List.of("seed", "max_tokens", "output_dir", "run_name", "train_file", "device", "backend");

  /**
   * What is compared.
   *
   * @param methods by the names of {@link MethodPreset}
   * @param baseline the method that the others are tested against
   * @param seeds of the runs
   * @param tasks what is trained on
   * @param maxTokens sampled tokens of each run
   * @param device where the runs' models are, as for {@code train}
   * @param backend what runs the loss kernels, as for {@code train}
   * @param settings keys of {@code train} for every run, under those of the method
   * @param outputDir folder of the run folders and the report
   */
  public record Comparison(
      @Key(
              byDefault = "[grpo, dr_grpo, dapo, gspo, cispo, rest, rest_entropy]",
              doc =
                  "Methods: grpo, dr_grpo, dapo, gspo, cispo, rest, rest_entropy; ablations"
                      + " rest_no_curriculum, rest_no_reward_schedule, rest_no_reasoning_gradient.")
          List<String> methods,
      @Key(byDefault = "grpo", doc = "The method that the others are tested against.")
          String baseline,
      @Key(byDefault = "[1, 2, 3, 4, 5]", doc = "Seeds; every method runs with each.")
          List<Long> seeds,
      @Key(
              byDefault = "[single]",
              allowed = {"single", "multi"},
              doc =
                  "Embedded tasks: single (one call answers), multi (conversations with a house).")
          List<String> tasks,
      @Key(
              byDefault = "1400000",
              min = 1,
              doc =
                  "Sampled tokens (prompts and completions) of each run: about 150 rollouts of the"
                      + " embedded task.")
          long maxTokens,
      @Key(byDefault = "cpu", doc = "Where the models are: cpu, cuda or cuda:N, as for train.")
          String device,
      @Key(
              byDefault = "auto",
              allowed = {"auto", "cpu", "cuda", "cuda-emulated"},
              doc = "What runs the loss kernels, as for train.")
          String backend,
      @Key(byDefault = "{}", doc = "Keys of train for every run, for example {eval_prompts: 200}.")
          Map<String, Object> settings,
      @Key(byDefault = "runs/compare", doc = "Folder of the runs and of the report.")
          String outputDir) {

    /** Checks the names. */
    public Comparison {
      methods = List.copyOf(methods);
      seeds = List.copyOf(seeds);
      tasks = List.copyOf(tasks);
      settings = Values.copy(settings);
      if (methods.isEmpty() || seeds.isEmpty() || tasks.isEmpty()) {
        throw new InputException("methods, seeds and tasks: want at least one of each");
      }
      methods.forEach(MethodPreset::named);
      once("methods", methods);
      once("seeds", seeds);
      once("tasks", tasks);
      if (!methods.contains(baseline)) {
        throw new InputException(
            "baseline=%s: want one of methods %s".formatted(baseline, String.join(", ", methods)));
      }
      for (String taken : TAKEN) {
        if (settings.containsKey(taken)) {
          throw new InputException(
              "settings.%s: compare sets it itself; leave it out".formatted(taken));
        }
      }
    }

    private static void once(String key, List<?> values) {
      if (new HashSet<>(values).size() < values.size()) {
        throw new InputException("%s=%s: want each once".formatted(key, values));
      }
    }
  }

  /**
   * The settings of one run as {@code train} takes them. Later wins: the task's recipe, a schedule
   * that does not need the number of steps, {@code settings}, the method's own.
   */
  public List<String> overrides(String task, String method, long seed, String outputDir) {
    List<String> overrides = new ArrayList<>(TASKS.getOrDefault(task, List.of()));
    // The number of steps is not known beforehand: tokens end the run.
    overrides.add("lr_scheduler_type=constant_with_warmup");
    overrides.add("max_steps=1000000");
    overrides.add("save_steps=50");
    overrides.add("save_total_limit=1");
    overrides.add("eval_steps=0");
    overrides.add("gradient_variance=true");
    overrides.add("log_completions=false");
    overrides.add("device=" + comparison.device());
    overrides.add("backend=" + comparison.backend());
    comparison.settings().forEach((key, value) -> overrides.add(key + "=" + Yaml.text(value)));
    overrides.addAll(MethodPreset.named(method).settings());
    overrides.add("max_tokens=" + comparison.maxTokens());
    overrides.add("seed=" + seed);
    overrides.add("output_dir=" + outputDir);
    return overrides;
  }
}
