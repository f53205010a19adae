package org.grpo4j.trainer.config;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.plugin.NearestName;

/**
 * A method as settings of {@code train}, each with the values that its source gives.
 *
 * @param name as {@code methods} takes it
 * @param source where the values come from
 * @param settings texts key=value
 */
public record MethodPreset(String name, String source, List<String> settings) {
  private static final List<String> REST =
      List.of(
          "token_weighting=rest",
          "loss_type=dapo",
          "epsilon_high=null",
          "reward_options={SCHEDULEREWARD: true}");

  private static final Map<String, MethodPreset> ALL = all();

  private static Map<String, MethodPreset> all() {
    Map<String, MethodPreset> presets = new TreeMap<>();
    for (MethodPreset preset :
        List.of(
            plain("grpo", "arXiv 2402.03300", "loss_type=grpo", "epsilon_high=null"),
            plain(
                "dr_grpo",
                "arXiv 2503.20783",
                "loss_type=dr_grpo",
                "advantage_estimator=dr_grpo",
                "scale_rewards=none",
                "epsilon_high=null"),
            plain(
                "dapo",
                "arXiv 2503.14476, without its reward for length",
                "loss_type=dapo",
                "epsilon_high=0.28",
                "zero_spread_groups=resample"),
            plain(
                "gspo",
                "arXiv 2507.18071",
                "loss_type=grpo",
                "importance_sampling_level=sequence",
                "epsilon=3.0e-4",
                "epsilon_high=4.0e-4"),
            plain("cispo", "arXiv 2506.13585, TRL's bound", "loss_type=cispo", "epsilon_high=5.0"),
            new MethodPreset("rest", "ResT's release: train_ResT.sh", REST),
            rest("rest_no_curriculum", "ablation: weights stay", "rest_schedule=none"),
            rest("rest_no_reward_schedule", "ablation: rewards stay", "reward_options={}"),
            rest(
                "rest_no_reasoning_gradient",
                "ablation: no gradient through reasoning",
                "rest_weight_reasoning=0"),
            new MethodPreset(
                "rest_entropy",
                "ResT's paper, arXiv 2509.21826",
                List.of(
                    "token_weighting=rest_entropy",
                    "loss_type=dapo",
                    "epsilon_high=null",
                    "reward_options={PROGRESSREWARD: true}")))) {
      presets.put(preset.name(), preset);
    }
    return presets;
  }

  private static MethodPreset plain(String name, String source, String... settings) {
    return new MethodPreset(name, source, with(List.of("token_weighting=none"), settings));
  }

  private static MethodPreset rest(String name, String source, String... settings) {
    return new MethodPreset(name, source, with(REST, settings));
  }

  private static List<String> with(List<String> base, String... more) {
    return java.util.stream.Stream.concat(base.stream(), java.util.Arrays.stream(more)).toList();
  }

  public MethodPreset {
    settings = List.copyOf(settings);
  }

  /** The preset of a name. */
  public static MethodPreset named(String name) {
    MethodPreset preset = ALL.get(name);
    if (preset == null) {
      throw new InputException(
          "unknown method '%s'; %s".formatted(name, NearestName.suggestion(ALL.keySet(), name)));
    }
    return preset;
  }
}
