package org.grpo4j.trainer.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.grpo4j.torch.ModelConfig;
import org.grpo4j.trainer.config.ConfigLoader;
import org.junit.jupiter.api.Test;

class MemoryEstimateTest {
  /** Qwen3-0.6B: 596,049,920 parameters. */
  private static ModelConfig qwen() {
    ObjectNode json = JsonMapper.builder().build().createObjectNode();
    json.put("model_type", "qwen3").put("vocab_size", 151_936).put("hidden_size", 1024);
    json.put("intermediate_size", 3072).put("num_hidden_layers", 28);
    json.put("num_attention_heads", 16).put("num_key_value_heads", 8).put("head_dim", 128);
    json.put("tie_word_embeddings", true).put("rms_norm_eps", 1e-6).put("rope_theta", 1e6);
    json.put("max_position_embeddings", 40_960).put("hidden_act", "silu");
    json.putArray("architectures").add("Qwen3ForCausalLM");
    return ModelConfig.parse(json, Path.of("config.json"));
  }

  private static MemoryEstimate estimate(String... overrides) {
    return MemoryEstimate.of(ConfigLoader.TRAIN.load(null, List.of(overrides)), qwen());
  }

  @Test
  void theExactPartsAreExact() {
    String[] settings = {
      "train_file=x.jsonl", "per_device_train_batch_size=8", "max_prompt_length=512"
    };
    Map<String, Long> parts = estimate(settings).parts();
    assertEquals(4 * 596_049_920L, parts.get("parameters"));
    assertEquals(8 * 596_049_920L, parts.get("AdamW moments"));
    assertEquals(8L * 256 * 151_936 * 4, parts.get("logits of a micro-batch"));
    assertEquals(2L * 28 * 8 * 128 * 8 * 768 * 4, parts.get("KV cache while sampling"));
    assertEquals(
        2L * 28 * 8 * 128 * 8 * 768 * 4,
        estimate(
                "train_file=x.jsonl",
                "generation_batch_size=64",
                "per_device_generation_batch_size=8",
                "max_prompt_length=512")
            .parts()
            .get("KV cache while sampling"));
    assertFalse(parts.containsKey("reference model"));
    assertTrue(estimate("train_file=x.jsonl", "beta=0.1").parts().containsKey("reference model"));
  }

  @Test
  void whatCannotFitIsSaid() {
    String text =
        String.join("\n", estimate("train_file=x", "per_device_train_batch_size=8192").lines());
    assertTrue(text.contains("this will not fit"), text);
    assertTrue(text.contains("an assumed 1024 tokens"), text);
  }
}
