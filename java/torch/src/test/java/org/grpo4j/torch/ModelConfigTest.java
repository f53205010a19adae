package org.grpo4j.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelConfigTest {
  @TempDir Path folder;

  private static ModelConfig parse(ObjectNode json) {
    return ModelConfig.parse(json, Path.of("some/config.json"));
  }

  @Test
  void ropeOfBothTransformersVersions() {
    ObjectNode four = TinyModels.qwen3Json().put("rope_theta", 500000.0);
    ObjectNode scaling = four.putObject("rope_scaling");
    scaling.put("rope_type", "llama3").put("factor", 8.0).put("low_freq_factor", 1.0);
    scaling.put("high_freq_factor", 4.0).put("original_max_position_embeddings", 64);
    ObjectNode five = TinyModels.qwen3Json();
    five.remove("rope_theta");
    five.set("rope_parameters", scaling.deepCopy().put("rope_theta", 500000.0));
    assertEquals(parse(four).rope(), parse(five).rope());
    assertInstanceOf(RopeConfig.Llama3.class, parse(four).rope().scaling());
    four.putNull("rope_scaling");
    assertInstanceOf(RopeConfig.Unscaled.class, parse(four).rope().scaling());
    four.putObject("rope_scaling").put("type", "linear").put("factor", 4);
    double[] scaled = parse(four).rope().inverseFrequencies(4);
    assertArrayEquals(new double[] {0.25, 0.25 / Math.sqrt(500000)}, scaled, 1e-12);
  }

  @Test
  void elementTypeOfBothTransformersVersions() {
    ObjectNode json = TinyModels.qwen3Json().put("torch_dtype", "bfloat16");
    assertEquals(WeightType.BFLOAT16, parse(json).weightType());
    assertEquals(WeightType.FLOAT16, parse(json.put("dtype", "float16")).weightType());
    json.remove("dtype");
    json.remove("torch_dtype");
    assertEquals(WeightType.FLOAT32, parse(json).weightType());
  }

  @Test
  void biasesAndHeadsOfEachFamily() {
    ModelConfig qwen3 = parse(TinyModels.qwen3Json());
    assertTrue(qwen3.queryKeyNorm() && !qwen3.queryKeyValueBias() && !qwen3.outputBias());
    ModelConfig llama = parse(TinyModels.llamaJson());
    assertTrue(llama.queryKeyValueBias() && llama.outputBias() && llama.feedForwardBias());
    ObjectNode json = TinyModels.qwen3Json().put("model_type", "qwen2");
    json.remove("architectures");
    json.remove("head_dim");
    ModelConfig qwen2 = parse(json);
    assertEquals(Architecture.QWEN2, qwen2.architecture());
    assertEquals(8, qwen2.headDim());
    assertTrue(qwen2.queryKeyValueBias() && !qwen2.outputBias() && !qwen2.queryKeyNorm());
    json.put("model_type", "qwen3");
    assertEquals(128, parse(json).headDim());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"architectures\": [\"MambaForCausalLM\"]} | MambaForCausalLM | Qwen3ForCausalLM",
        "{\"hidden_act\": \"gelu\"} | gelu | silu",
        "{\"rope_scaling\": {\"rope_type\": \"yarn\"}} | yarn | llama3",
        "{\"rope_scaling\": {\"rope_type\": \"llama3\"}} | rope_scaling.factor | positive",
        "{\"layer_types\": [\"sliding_attention\"]} | sliding_attention | full_attention",
        "{\"use_sliding_window\": true, \"sliding_window\": 9, \"max_window_layers\": 1}"
            + " | use_sliding_window | full attention",
        "{\"quantization_config\": {\"quant_method\": \"awq\"}} | awq | unquantized",
        "{\"num_key_value_heads\": 3} | num_key_value_heads is 3 | divisor",
        "{\"head_dim\": 7} | head_dim is 7 | even",
        "{\"vocab_size\": \"many\"} | vocab_size is \"many\" | positive integer",
        "{\"hidden_size\": null} | hidden_size is nothing | positive integer",
        "{\"torch_dtype\": \"int4\"} | int4 | bfloat16",
        "{\"attention_bias\": 1} | attention_bias is 1 | true or false",
        "{\"partial_rotary_factor\": 0.5} | 0.5 | 1",
      })
  void refusesWhatItCannotRun(String change, String found, String supported) {
    ObjectNode json = TinyModels.qwen3Json();
    json.setAll(TinyModels.json(change));
    InputException e = assertThrows(InputException.class, () -> parse(json));
    String message = String.valueOf(e.getMessage());
    assertTrue(message.startsWith("some/config.json: ") && !message.contains("\n"), message);
    assertTrue(message.contains(found) && message.contains(supported), message);
  }

  @Test
  void unreadableFilesAreOneLine() throws IOException {
    String missing =
        String.valueOf(
            assertThrows(InputException.class, () -> ModelConfig.read(folder)).getMessage());
    assertTrue(missing.contains("config.json: no such file"), missing);
    Files.writeString(folder.resolve("config.json"), "{\"a\": 1\n");
    String malformed =
        String.valueOf(
            assertThrows(InputException.class, () -> ModelConfig.read(folder)).getMessage());
    assertTrue(malformed.contains("malformed JSON at line 2"), malformed);
    assertFalse(malformed.contains("Source"), malformed);
  }
}
