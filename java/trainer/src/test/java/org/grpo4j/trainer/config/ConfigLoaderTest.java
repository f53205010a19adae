package org.grpo4j.trainer.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.InputException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigLoaderTest {
  @TempDir Path folder;

  private static TrainConfig train(String... overrides) {
    return ConfigLoader.TRAIN.load(null, List.of(overrides));
  }

  private static String failure(String... overrides) {
    return line(() -> train(overrides));
  }

  private static String line(Executable bad) {
    String message = String.valueOf(assertThrows(InputException.class, bad).getMessage());
    assertEquals(1, message.lines().count(), message);
    return message;
  }

  @Test
  void theMultiTurnTaskBringsItsEnvironment() {
    TrainConfig c = train("train_file=embedded_multi_turn");
    assertEquals("house", c.environment().environment());
    assertEquals("embedded_multi_turn", c.model().modelNameOrPath());
    assertEquals(List.of("environment"), c.reward().rewardFuncs());
    EnvironmentSettings house = EnvironmentSettings.house();
    assertEquals(house, c.environment());
    assertEquals(
        house,
        ConfigLoader.EVAL.load(null, List.of("eval_file=embedded_multi_turn")).environment());
    assertNull(train().environment().environment());
    assertTrue(
        failure("train_file=a.jsonl", "environment=http").contains("reward_funcs names toolrl"));
    assertTrue(failure("reward_funcs=[environment]").contains("no environment is set"));
  }

  @Test
  void theDefaultIsTheEmbeddedTaskWithItsRecipe() {
    TrainConfig c = train();
    assertTrue(c.model().embedded());
    assertTrue(c.data().embedded());
    assertEquals(4e-4, c.optimizer().learningRate());
    assertEquals(WeightingSettings.TokenWeighting.REST, c.weighting().tokenWeighting());
  }

  @Test
  void ownDataGoesWithoutTheEmbeddedRecipe() {
    TrainConfig c = train("train_file=rows.jsonl", "model_name_or_path=/models/a");
    assertEquals(1e-6, c.optimizer().learningRate());
    assertEquals(256, c.generation().maxCompletionLength());
  }

  @Test
  void laterWins() throws IOException {
    Path file = folder.resolve("c.yaml");
    Files.writeString(file, "# mine\nseed: 7\nlearning_rate: 5e-5\nreward_options: {A: 1}\n");
    TrainConfig c = ConfigLoader.TRAIN.load(file, List.of("seed=9", "reward_options.B=true"));
    assertEquals(9, c.runtime().seed());
    assertEquals(5e-5, c.optimizer().learningRate());
    assertEquals(Map.of("A", 1, "B", true), c.reward().rewardOptions());
    assertEquals(48, c.generation().maxCompletionLength());
  }

  @Test
  void anEmptyFileChangesNothing() throws IOException {
    Path file = folder.resolve("c.yaml");
    for (String text : List.of("", "# only a comment\n")) {
      Files.writeString(file, text);
      assertEquals(train(), ConfigLoader.TRAIN.load(file, List.of()));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "num_generation=4, num_generations",
    "learning_rates=1, learning_rate",
    "epsilon_hi=0.3, epsilon_high",
    "modelname_or_path=x, model_name_or_path"
  })
  void aMisspeltKeyGetsASuggestion(String override, String key) {
    assertTrue(failure(override).endsWith("did you mean '" + key + "'?"), failure(override));
  }

  @Test
  void theMessageForAMisspeltKeyIsExactly() {
    assertEquals(
        "unknown key 'num_generation': did you mean 'num_generations'?",
        failure("num_generation=4"));
    assertFalse(failure("zzz=1").contains("did you mean"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "num_generations=four | num_generations=four: want a whole number of at least 1",
        "num_generations=0 | num_generations=0: want a whole number of at least 1",
        "num_generations=2.5 | num_generations=2.5: want a whole number of at least 1",
        "num_generations=99999999999 | num_generations=99999999999: want a whole number of at least 1",
        "top_p=1.5 | top_p=1.5: want a number above 0, at most 1",
        "temperature=0 | temperature=0: want a number above 0",
        "beta=.nan | beta=.nan: want a number of at least 0",
        "log_completions=maybe | log_completions=maybe: want true or false",
        "loss_type=ppo | loss_type=ppo: want one of grpo, bnpo, dr_grpo, dapo, cispo, sapo, vespo, luspo, gmpo, gpg",
        "report_to=[wandb] | report_to=[wandb]: want a list of tensorboard, jsonl",
        "reward_options=3 | reward_options=3: want a map {name: value}",
        "seed=[1] | seed=[1]: want a whole number",
        "seed={ | seed={: want a whole number",
        "reward_weights=a | reward_weights=a: want a list of numbers, or null",
        "seed.x=1 | seed.x=1: seed is not a map of options",
        "hello | 'hello' is not an override: want key=value",
      })
  void aWrongValueSaysWhatIsWanted(String override, String message) {
    String got = failure(override);
    assertEquals(message, got);
  }

  @Test
  void numbersInEveryWritingAreRead() {
    assertEquals(1e-6, train("learning_rate=1e-6").optimizer().learningRate());
    assertEquals(2.0, train("max_grad_norm=2").optimizer().maxGradNorm());
    assertEquals(Long.MAX_VALUE, train("seed=" + Long.MAX_VALUE).runtime().seed());
    assertEquals(List.of("toolrl"), train("reward_funcs=toolrl").reward().rewardFuncs());
    assertNull(train("save_total_limit=null").run().saveTotalLimit());
    assertEquals("1", train("run_name=1").run().runName());
    assertEquals("a: b#c", train("run_name=a: b#c").run().runName());
  }

  @Test
  void batchesAreDerivedAndCheckedAsTrlDoes() {
    String own = "train_file=x.jsonl";
    TrainConfig c = train(own, "per_device_train_batch_size=4", "gradient_accumulation_steps=4");
    assertEquals(4, c.stepsPerGeneration());
    assertEquals(16, c.generationBatchSize());
    assertEquals(2, c.promptsPerRollout());
    assertEquals(1, c.updatesPerRollout());
    assertEquals(8, train(own, "generation_batch_size=64").stepsPerGeneration());
    assertEquals(16, train(own, "steps_per_generation=8", "num_iterations=2").updatesPerRollout());
    assertTrue(failure(own, "generation_batch_size=60").contains("multiple of per_device"));
    assertTrue(
        failure(own, "generation_batch_size=64", "steps_per_generation=2").contains("contradicts"));
    assertTrue(
        failure(own, "steps_per_generation=3", "gradient_accumulation_steps=2")
            .contains("mix two rollouts"));
    assertTrue(failure(own, "num_generations=3").contains("multiple of num_generations 3"));
    assertTrue(failure(own, "reward_weights=[1, 2]").contains("reward_funcs 1"));
  }

  @Test
  void stepsComeFromMaxStepsOrEpochs() {
    String own = "train_file=x.jsonl";
    assertEquals(7, train(own, "max_steps=7").totalSteps(1000));
    assertEquals(300, train(own).totalSteps(100));
    assertEquals(13 * 2, train(own, "num_train_epochs=1", "num_iterations=2").totalSteps(13));
  }

  @Test
  void whatIsWrittenReadsBackEqual() throws IOException {
    Path file = folder.resolve("config.yaml");
    List<List<String>> cases =
        List.of(
            List.of(),
            List.of(
                "train_file=/data/a b.jsonl",
                "run_name=yes",
                "output_dir=~",
                "epsilon_high=0.28",
                "reward_options={A: true, B: {c: [1, null, x]}, 'on': off}",
                "chat_template_kwargs={enable_thinking: false}",
                "reward_funcs=[toolrl, org.example.Mine]",
                "reward_weights=[1, 0.5]",
                "seed=9007199254740993"));
    for (List<String> overrides : cases) {
      TrainConfig config = ConfigLoader.TRAIN.load(null, overrides);
      Files.writeString(file, ConfigLoader.TRAIN.toYaml(config));
      assertEquals(config, ConfigLoader.TRAIN.load(file, List.of()));
    }
    SftConfig sft = ConfigLoader.SFT.load(null, List.of("max_length=null"));
    Files.writeString(file, ConfigLoader.SFT.toYaml(sft));
    assertEquals(sft, ConfigLoader.SFT.load(file, List.of()));
  }

  @Test
  void brokenFilesNameFileAndLine() throws IOException {
    Path file = folder.resolve("c.yaml");
    record Case(String text, String part) {}
    for (Case c :
        List.of(
            new Case("seed: 1\nbeta: [1\n", "line "),
            new Case("seed: 1\nseed: 2\n", "Duplicate"),
            new Case("- a\n- b\n", "want lines 'key: value'"),
            new Case("num_generation: 1\n", "did you mean"))) {
      Files.writeString(file, c.text());
      String message = line(() -> ConfigLoader.TRAIN.load(file, List.of()));
      assertTrue(message.startsWith(file.toString()), message);
      assertTrue(message.contains(c.part()), message);
    }
    Files.write(file, new byte[] {(byte) 0xff, (byte) 0xfe, 0});
    assertTrue(line(() -> ConfigLoader.TRAIN.load(file, List.of())).contains("UTF-8"));
    Path none = folder.resolve("none.yaml");
    assertTrue(line(() -> ConfigLoader.TRAIN.load(none, List.of())).contains("does not exist"));
  }

  @Test
  void theOtherCommandsHaveTheirDefaults() {
    SftConfig sft = ConfigLoader.SFT.load(null, List.of("train_file=rows.json"));
    assertEquals(2e-5, sft.optimizer().learningRate());
    assertEquals(3e-3, ConfigLoader.SFT.load(null, List.of()).optimizer().learningRate());
    assertEquals(0.0, ConfigLoader.GENERATE.load(null, List.of()).sampling().temperature());
    assertEquals("embedded", ConfigLoader.EVAL.load(null, List.of()).task().evalFile());
  }

  @Test
  void aLetterOfItsOwnIsAWordAsInTrl() {
    ObjectiveSettings vespo = train("vespo_k_pos=1.5", "vespo_k_neg=2.5").objective();
    assertEquals(1.5, vespo.vespoKPos());
    assertEquals(2.5, vespo.vespoKNeg());
  }

  @Test
  void everyKeyIsInTheHelp() {
    String help = String.join("\n", ConfigLoader.TRAIN.help());
    ConfigLoader.TRAIN
        .values(train())
        .keySet()
        .forEach(key -> assertTrue(help.contains(key + "="), key));
    assertTrue(help.contains("learning_rate=1.0E-6  (as in TRL; embedded task: 4.0E-4)"), help);
  }

  @Test
  void theScheduleIsTransformers() {
    OptimizerSettings cosine =
        train("lr_scheduler_type=cosine", "warmup_steps=0", "warmup_ratio=0.1").optimizer();
    assertEquals(10, cosine.warmup(100));
    assertEquals(0.0, cosine.scheduleFactor(0, 100));
    assertEquals(0.5, cosine.scheduleFactor(5, 100));
    assertEquals(1.0, cosine.scheduleFactor(10, 100));
    assertEquals(0.5, cosine.scheduleFactor(55, 100), 1e-12);
    OptimizerSettings linear = train("lr_scheduler_type=linear", "warmup_steps=5").optimizer();
    assertEquals(0.5, linear.scheduleFactor(15, 25), 1e-12);
    assertEquals(1.0, train("lr_scheduler_type=constant").optimizer().scheduleFactor(0, 9));
  }
}
