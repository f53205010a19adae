package org.grpo4j.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.grpo4j.fixtures.SharedData;
import org.grpo4j.trainer.report.RunDirectory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ToolRL's rows with Qwen3's tokenizer and vocabulary, as a user trains a real checkpoint. */
class RealDataTest {
  @TempDir Path folder;

  @Test
  void twoStepsOnToolRlRowsStayWithinEightGigabytes() throws IOException {
    Path rows = SharedData.get("data/toolrl/rlla_sft.json");
    Path tokenizer = SharedData.get("data/tokenizers/qwen3");
    Path checkpoint = Files.createDirectories(folder.resolve("qwen3"));
    for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
      Files.copy(tokenizer.resolve(name), checkpoint.resolve(name));
    }
    // Qwen3-0.6B's vocabulary and head width, everything else smaller.
    ObjectNode config = TinyCheckpoint.MAPPER.createObjectNode();
    config.put("model_type", "qwen3").putArray("architectures").add("Qwen3ForCausalLM");
    config.put("vocab_size", 151936).put("hidden_size", 64).put("intermediate_size", 128);
    config.put("num_hidden_layers", 2).put("num_attention_heads", 2);
    config.put("num_key_value_heads", 1).put("head_dim", 128);
    config.put("rms_norm_eps", 1e-6).put("rope_theta", 1e6).put("max_position_embeddings", 40960);
    config.put("tie_word_embeddings", true).put("hidden_act", "silu").put("attention_bias", false);
    TinyCheckpoint.saveRandom(config, checkpoint);
    Path output = folder.resolve("run");
    CommandLineRun run =
        CommandLineRun.of(
            "train",
            "model_name_or_path=" + checkpoint,
            "train_file=" + rows,
            "output_dir=" + output,
            // The rows' own reward beside one that tells a random model's answers apart.
            "reward_funcs=[toolrl, org.grpo4j.tests.EvenIdsReward]",
            "token_weighting=none",
            "num_generations=4",
            "per_device_train_batch_size=4",
            "gradient_accumulation_steps=2",
            "max_prompt_length=1024",
            "max_completion_length=24",
            "learning_rate=1.0e-4",
            "max_steps=2",
            "num_threads=1");
    assertEquals(0, run.status(), run.err());
    RunDirectory done = RunDirectory.resume(output);
    int steps = 0;
    for (String line : Files.readAllLines(done.metrics())) {
      JsonNode row = TinyCheckpoint.MAPPER.readTree(line);
      assertTrue(row.get("sampling/ratio_deviation").asDouble() <= 1e-4, line);
      assertTrue(row.get("resident_mib").asDouble() < 8 * 1024, line);
      assertTrue(row.get("grad_norm").asDouble() > 0, line);
      steps++;
    }
    assertEquals(2, steps);
    for (String line : Files.readAllLines(done.completionsFile(1))) {
      JsonNode completion = TinyCheckpoint.MAPPER.readTree(line);
      String prompt = completion.get("prompt").asText();
      assertTrue(
          prompt.startsWith("<|im_start|>system\nYou are a helpful multi-turn dialogue assistant"),
          prompt);
      // Noise: no format; -3 for the call that is missing, 0 where the answer has none.
      double reward = completion.get("rewards").get("toolrl").asDouble();
      assertTrue(reward == -3 || reward == 0, line);
    }
    assertTrue(peakMib() < 8 * 1024, "peak " + peakMib() + " MiB");
  }

  /** Most resident memory this process ever had. */
  private static long peakMib() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmHWM:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
        .findFirst()
        .orElse(0);
  }
}
