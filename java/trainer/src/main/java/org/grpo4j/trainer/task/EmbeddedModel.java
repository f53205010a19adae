package org.grpo4j.trainer.task;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The shape of the embedded checkpoint: a Qwen3 decoder of 0.886 M parameters. */
final class EmbeddedModel {
  static final int MAX_POSITIONS = 512;

  private EmbeddedModel() {}

  /** Hugging Face's config.json. */
  static Map<String, Object> config(BpeTrainer.Vocabulary vocabulary) {
    Map<String, Object> rope = new LinkedHashMap<>();
    rope.put("rope_theta", 10000.0);
    rope.put("rope_type", "default");
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("architectures", List.of("Qwen3ForCausalLM"));
    config.put("model_type", "qwen3");
    config.put("vocab_size", vocabulary.size());
    config.put("hidden_size", 128);
    config.put("num_hidden_layers", 4);
    config.put("num_attention_heads", 4);
    config.put("num_key_value_heads", 2);
    config.put("head_dim", 32);
    config.put("intermediate_size", 384);
    config.put("hidden_act", "silu");
    config.put("attention_bias", false);
    config.put("attention_dropout", 0.0);
    config.put("tie_word_embeddings", true);
    config.put("max_position_embeddings", MAX_POSITIONS);
    config.put("rms_norm_eps", 1e-6);
    config.put("rope_theta", 10000.0);
    config.put("rope_parameters", rope);
    config.put("initializer_range", 0.06);
    config.put("use_sliding_window", false);
    config.put("eos_token_id", vocabulary.specialId(EmbeddedTokenizer.END_OF_TURN));
    config.put("pad_token_id", vocabulary.specialId(EmbeddedTokenizer.END_OF_TEXT));
    config.put("dtype", "float32");
    return config;
  }
}
