package org.grpo4j.tests;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.grpo4j.torch.DecoderModel;
import org.grpo4j.torch.ModelConfig;
import org.grpo4j.trainer.task.EmbeddedCheckpoint;
import org.jspecify.annotations.Nullable;

/** Folders with small random Qwen3 checkpoints. */
final class TinyCheckpoint {
  static final ObjectMapper MAPPER = new ObjectMapper();
  private static @Nullable Path made;

  private TinyCheckpoint() {}

  /**
   * Copies a checkpoint with the embedded task's tokenizer. One token in eight ends a completion,
   * so that some end early and some reach the length limit.
   */
  static Path copyTo(Path folder) throws IOException {
    Files.createDirectories(folder);
    try (Stream<Path> files = Files.list(folder())) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
    return folder;
  }

  /** The tokenizer is learnt from text, which takes a second: once is enough. */
  private static synchronized Path folder() throws IOException {
    Path folder = made;
    if (folder == null) {
      folder = Files.createTempDirectory("grpo4j-checkpoint-");
      EmbeddedCheckpoint.writeWithoutWeights(folder, 1);
      ObjectNode generation = object(folder.resolve("generation_config.json"));
      ArrayNode stops = MAPPER.createArrayNode().add(generation.get("eos_token_id").asInt());
      for (int id = 100; id < 768; id += 8) {
        stops.add(id);
      }
      generation.set("eos_token_id", stops);
      MAPPER.writeValue(folder.resolve("generation_config.json").toFile(), generation);
      ObjectNode config = object(folder.resolve("config.json"));
      config.put("hidden_size", 32).put("num_hidden_layers", 2).put("intermediate_size", 64);
      config.put("num_attention_heads", 2).put("num_key_value_heads", 1).put("head_dim", 16);
      config.put("initializer_range", 0.3);
      saveRandom(config, folder);
      made = folder;
    }
    return folder;
  }

  /** Writes config.json and random weights. */
  static void saveRandom(ObjectNode config, Path folder) {
    ModelConfig parsed = ModelConfig.parse(config, folder.resolve("config.json"));
    try (DecoderModel model = DecoderModel.random(parsed, 1, false)) {
      model.save(folder);
    }
  }

  static ObjectNode object(Path file) throws IOException {
    return (ObjectNode) MAPPER.readTree(file.toFile());
  }

  /**
   * Settings of short runs on it; the reward tells the answers of a random model apart. Every key
   * that the embedded task's recipe sets is set here: tuning it must not change these tests.
   */
  static List<String> trainSettings(Path checkpoint, Path run) {
    return List.of(
        "train",
        "model_name_or_path=" + checkpoint,
        "output_dir=" + run,
        "reward_funcs=[org.grpo4j.tests.EvenIdsReward, toolrl]",
        "token_weighting=none",
        "num_generations=4",
        "per_device_train_batch_size=8",
        "steps_per_generation=1",
        "num_iterations=1",
        "max_completion_length=12",
        "epsilon_high=0.28",
        "learning_rate=1.0e-3",
        "lr_scheduler_type=constant",
        "adam_beta2=0.95",
        "rest_step_scale=1.0",
        "rest_span_placement=release",
        "logging_steps=1",
        "eval_steps=0",
        "save_total_limit=3",
        "eval_prompts=6",
        "max_steps=4",
        "save_steps=2",
        "seed=7",
        "num_threads=1");
  }
}
