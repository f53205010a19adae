package org.grpo4j.trainer.recipe;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.grpo4j.kernels.RatioLevel;
import org.grpo4j.torch.InputException;
import org.grpo4j.trainer.config.CompareConfig;
import org.grpo4j.trainer.config.ConfigLoader;
import org.grpo4j.trainer.config.MethodPreset;
import org.grpo4j.trainer.config.TrainConfig;
import org.grpo4j.trainer.config.WeightingSettings.TokenWeighting;
import org.grpo4j.trainer.report.RunDirectory;
import org.grpo4j.trainer.weight.LossType;
import org.grpo4j.trainer.weight.RestCurriculum;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CompareRunTest {
  @TempDir Path folder;

  private CompareConfig config(String... more) {
    List<String> overrides = new ArrayList<>();
    overrides.add("output_dir=" + folder.resolve("out"));
    overrides.addAll(List.of(more));
    return ConfigLoader.COMPARE.load(null, overrides);
  }

  private static TrainConfig train(CompareConfig config, String method) {
    return ConfigLoader.TRAIN.load(null, config.overrides("single", method, 7, "there"));
  }

  @Test
  void everyMethodTrainsOnEveryTask() {
    CompareConfig config = config("tasks=[single, multi]");
    for (String method : config.comparison().methods()) {
      for (String task : config.comparison().tasks()) {
        TrainConfig run = ConfigLoader.TRAIN.load(null, config.overrides(task, method, 7, "there"));
        assertEquals(
            task.equals("multi") ? "embedded_multi_turn" : "embedded", run.data().trainFile());
      }
    }
  }

  @Test
  void presetsAreSettingsOfTrain() {
    CompareConfig config = config("settings={epsilon: 0.1, eval_prompts: 3}");
    TrainConfig gspo = train(config, "gspo");
    assertEquals(RatioLevel.SEQUENCE, gspo.objective().importanceSamplingLevel());
    assertEquals(3e-4, gspo.objective().epsilon(), "the method's own wins");
    assertEquals(3, gspo.data().evalPrompts());
    assertEquals(7, gspo.runtime().seed());
    assertEquals(1_400_000L, gspo.generation().maxTokens());
    assertEquals(TokenWeighting.NONE, gspo.weighting().tokenWeighting());
    assertEquals(LossType.CISPO, train(config, "cispo").objective().lossType());
    assertEquals(
        TokenWeighting.REST_ENTROPY, train(config, "rest_entropy").weighting().tokenWeighting());
    TrainConfig ablation = train(config, "rest_no_curriculum");
    assertEquals(RestCurriculum.Schedule.NONE, ablation.weighting().schedule());
    assertEquals(Map.of("SCHEDULEREWARD", true), ablation.reward().rewardOptions());
    assertEquals(Map.of(), train(config, "rest_no_reward_schedule").reward().rewardOptions());
    assertEquals(
        0.0, train(config, "rest_no_reasoning_gradient").weighting().restWeightReasoning());
  }

  @Test
  void whatCanNotBeCompared() {
    refused("unknown method 'ppo'", "methods=[grpo, ppo]");
    refused("baseline=dapo", "methods=[grpo, rest]", "baseline=dapo");
    refused("each once", "seeds=[1, 2, 1]");
    refused("at least one", "seeds=[]");
    refused("settings.seed", "settings={seed: 3}");
    refused("tasks", "tasks=[double]");
    assertThrows(InputException.class, () -> MethodPreset.named("none"));
  }

  private void refused(String reason, String... more) {
    String message =
        String.valueOf(assertThrows(InputException.class, () -> config(more)).getMessage());
    assertTrue(message.contains(reason), message);
  }

  /** One rollout each; then the same command again, and again with another method. */
  @Test
  void finishedRunsAreNotRepeated() throws IOException {
    String[] small = {
      "seeds=[1]",
      "max_tokens=1",
      "settings={num_generations: 2, per_device_train_batch_size: 8, steps_per_generation: 1,"
          + " eval_prompts: 2, zero_spread_groups: keep}"
    };
    String first = run(small, "methods=[grpo]");
    assertTrue(first.contains("run 1 of 1") && !first.contains("done before"), first);
    String second = run(small, "methods=[grpo, rest_entropy]");
    assertTrue(second.contains("run 2 of 2"), second);
    assertEquals(2, second.split("done before", -1).length, "one run of two");
    String report = Files.readString(folder.resolve("out/comparison.md"));
    assertTrue(report.contains("| rest_entropy | 1 |"), report);
    assertTrue(Files.readString(folder.resolve("out/comparison.html")).contains("</html>"));
    String json = Files.readString(folder.resolve("out/comparison.json"));
    assertTrue(json.contains("\"p_paired_t\":null"), json);
    String plan = ComparePlan.of(with(small, "methods=[grpo, dapo]")).lines().get(0);
    assertEquals("2 runs of 1 sampled tokens: 2; 1 of them done", plan);
    InputException other =
        assertThrows(InputException.class, () -> run(small, "methods=[grpo]", "max_tokens=2"));
    assertTrue(String.valueOf(other.getMessage()).contains("other settings"));
  }

  /**
   * Other seeds than the default; then one run loses what it wrote after its first checkpoint, as a
   * kill leaves it, and the same command ends with the same figures.
   */
  @Test
  void aRunThatWasKilledGoesOn() throws IOException {
    String[] small = {
      "seeds=[6, 7]",
      "methods=[grpo, rest]",
      "max_tokens=3000",
      "settings={num_generations: 2, per_device_train_batch_size: 8, steps_per_generation: 1,"
          + " eval_prompts: 4, zero_spread_groups: keep, save_steps: 1, save_total_limit: 10}"
    };
    run(small);
    Map<String, List<Double>> before = bySeed();
    RunDirectory killed = RunDirectory.resume(folder.resolve("out/single-rest-seed-7"));
    assertTrue(RunDirectory.stepOf(killed.latestCheckpoint().orElseThrow()) > 1, "several steps");
    Files.delete(killed.summary());
    for (int step = RunDirectory.stepOf(killed.latestCheckpoint().orElseThrow());
        step > 1;
        step--) {
      delete(killed.checkpoint(step));
    }
    String again = run(small);
    assertEquals(4, again.split("done before", -1).length, "three of four were done: " + again);
    assertEquals(before, bySeed());
    assertEquals(List.of(6.0, 7.0), before.get("rest/seeds"));
  }

  private static void delete(Path tree) throws IOException {
    try (var entries = Files.walk(tree)) {
      for (Path entry : entries.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(entry);
      }
    }
  }

  /** Everything in comparison.json that does not depend on the time of day. */
  private Map<String, List<Double>> bySeed() throws IOException {
    JsonNode json =
        new ObjectMapper().readTree(folder.resolve("out/comparison.json").toFile()).path("single");
    Map<String, List<Double>> values = new TreeMap<>();
    for (String method : List.of("grpo", "rest")) {
      values.put(method + "/seeds", numbers(json.path(method).path("seeds")));
      for (String name : List.of("exact", "sampled", "format", "gradient_noise")) {
        values.put(method + "/" + name, numbers(json.path(method).path(name).path("by_seed")));
      }
    }
    return values;
  }

  private static List<Double> numbers(JsonNode list) {
    List<Double> numbers = new ArrayList<>();
    list.forEach(each -> numbers.add(each.asDouble()));
    return numbers;
  }

  private CompareConfig with(String[] small, String... more) {
    List<String> all = new ArrayList<>(List.of(small));
    all.addAll(List.of(more));
    return config(all.toArray(String[]::new));
  }

  private String run(String[] small, String... more) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
    CompareConfig config = with(small, more);
    assertTrue(CompareRun.compare(config, Map.of("test", "1"), out));
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
