package org.grpo4j.torch;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Random;
import org.bytedeco.pytorch.Tensor;

/** Small configurations and inputs for tests. */
final class TinyModels {
  static final int VOCAB = 96;

  private TinyModels() {}

  static ObjectNode qwen3Json() {
    return json(
        """
        {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": 32,
         "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
         "head_dim": 12, "intermediate_size": 48, "vocab_size": 96, "tie_word_embeddings": true,
         "rope_theta": 10000.0, "torch_dtype": "float32", "initializer_range": 0.2,
         "max_position_embeddings": 512, "a_key_of_tomorrow": [1, {"x": null}]}
        """);
  }

  static ObjectNode llamaJson() {
    ObjectNode json = qwen3Json();
    json.putArray("architectures").add("LlamaForCausalLM");
    json.put("model_type", "llama").put("attention_bias", true).put("mlp_bias", true);
    return json.put("tie_word_embeddings", false);
  }

  static ObjectNode json(String text) {
    try {
      return (ObjectNode) new ObjectMapper().readTree(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static DecoderModel qwen3() {
    return DecoderModel.random(ModelConfig.parse(qwen3Json(), Path.of("test")), 7, true);
  }

  static DecoderModel llama() {
    return DecoderModel.random(ModelConfig.parse(llamaJson(), Path.of("test")), 8, true);
  }

  /** Random token ids [rows, width]. */
  static Tensor ids(int rows, int width, long seed) {
    long[] ids = new Random(seed).longs((long) rows * width, 0, VOCAB).toArray();
    return Tensors.longs(TorchDevice.CPU, ids, rows, width);
  }

  /** Left padding: row i starts with {@code empty[i]} zeros [rows, width]. */
  static Tensor leftPadded(int width, int... empty) {
    long[] mask = new long[empty.length * width];
    for (int i = 0; i < mask.length; i++) {
      mask[i] = i % width >= empty[i / width] ? 1 : 0;
    }
    return Tensors.longs(TorchDevice.CPU, mask, empty.length, width);
  }
}
