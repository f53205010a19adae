package org.grpo4j.torch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * Reads config.json. Defaults of absent keys are those of transformers' configuration classes;
 * options that would change the computation and are not implemented are refused.
 */
final class ModelConfigReader {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final int QWEN3_DEFAULT_HEAD_DIM = 128;

  private final ObjectNode json;
  private final Path source;

  ModelConfigReader(ObjectNode json, Path source) {
    this.json = json;
    this.source = source;
  }

  static ModelConfig read(Path file) {
    try {
      JsonNode tree = MAPPER.readTree(Files.readAllBytes(file));
      if (!(tree instanceof ObjectNode object)) {
        throw new InputException(file + ": expected a JSON object");
      }
      return new ModelConfigReader(object, file).read();
    } catch (NoSuchFileException e) {
      throw new InputException(
          file + ": no such file; give a Hugging Face checkpoint folder that holds config.json", e);
    } catch (JsonProcessingException e) {
      throw new InputException(
          file
              + ": malformed JSON at line "
              + (e.getLocation() == null ? 0 : e.getLocation().getLineNr())
              + ": "
              + JsonProblem.of(e),
          e);
    } catch (IOException e) {
      throw new InputException(file + ": cannot be read (" + e.getMessage() + ")", e);
    }
  }

  ModelConfig read() {
    Architecture architecture = architecture();
    refuseUnsupported();
    int hidden = positive("hidden_size");
    int layers = positive("num_hidden_layers");
    int heads = positive("num_attention_heads");
    int keyValueHeads =
        architecture == Architecture.LLAMA && isAbsent("num_key_value_heads")
            ? heads
            : positive("num_key_value_heads");
    if (heads % keyValueHeads != 0) {
      throw refuse(
          "num_key_value_heads", keyValueHeads, "a divisor of num_attention_heads (" + heads + ")");
    }
    refuseSlidingWindow(layers);
    boolean attentionBias = bool("attention_bias", false);
    return new ModelConfig(
        architecture,
        positive("vocab_size"),
        hidden,
        positive("intermediate_size"),
        layers,
        heads,
        keyValueHeads,
        headDim(architecture, hidden, heads),
        number(json, "rms_norm_eps", 1e-6),
        bool("tie_word_embeddings", false),
        architecture == Architecture.QWEN2 || attentionBias,
        architecture != Architecture.QWEN2 && attentionBias,
        architecture == Architecture.LLAMA && bool("mlp_bias", false),
        architecture == Architecture.QWEN3,
        isAbsent("max_position_embeddings")
            ? Integer.MAX_VALUE
            : positive("max_position_embeddings"),
        number(json, "initializer_range", 0.02),
        rope(),
        weightType(),
        json);
  }

  private Architecture architecture() {
    JsonNode classes = json.path("architectures");
    String found =
        classes.isArray() && !classes.isEmpty()
            ? classes.get(0).asText()
            : json.path("model_type").asText("");
    for (Architecture candidate : Architecture.values()) {
      if (found.equals(candidate.className()) || found.equals(candidate.modelType())) {
        return candidate;
      }
    }
    throw new InputException(
        source
            + ": architecture "
            + (found.isEmpty() ? "is not named" : "\"" + found + "\" is not supported")
            + "; supported: "
            + Architecture.classNames());
  }

  private void refuseUnsupported() {
    String activation = json.path("hidden_act").asText("silu");
    if (!activation.equals("silu") && !activation.equals("swish")) {
      throw refuse("hidden_act", activation, "silu");
    }
    if (!isAbsent("quantization_config")) {
      throw refuse(
          "quantization_config",
          json.path("quantization_config").path("quant_method").asText("quantized weights"),
          "unquantized float32, bfloat16 or float16 weights");
    }
    double rotary = number(json, "partial_rotary_factor", 1);
    if (rotary != 1) {
      throw refuse("partial_rotary_factor", rotary, "1");
    }
  }

  private void refuseSlidingWindow(int layers) {
    JsonNode types = json.path("layer_types");
    if (types.isArray()) {
      for (JsonNode type : types) {
        if (!type.asText().equals("full_attention")) {
          throw refuse("layer_types", type.asText(), "full_attention in every layer");
        }
      }
      return;
    }
    boolean used = bool("use_sliding_window", false) && !isAbsent("sliding_window");
    int firstWindowed = json.path("max_window_layers").asInt(28);
    if (used && firstWindowed < layers) {
      throw refuse("use_sliding_window", true, "full attention (use_sliding_window: false)");
    }
  }

  private int headDim(Architecture architecture, int hidden, int heads) {
    int dim;
    if (!isAbsent("head_dim")) {
      dim = positive("head_dim");
    } else if (architecture == Architecture.QWEN3) {
      dim = QWEN3_DEFAULT_HEAD_DIM;
    } else if (hidden % heads == 0) {
      dim = hidden / heads;
    } else {
      throw refuse("num_attention_heads", heads, "a divisor of hidden_size (" + hidden + ")");
    }
    if (dim % 2 != 0) {
      throw refuse("head_dim", dim, "an even number");
    }
    return dim;
  }

  /** transformers 5 keeps the base inside rope_parameters; transformers 4 beside rope_scaling. */
  private RopeConfig rope() {
    boolean version5 = !isAbsent("rope_parameters");
    String key = version5 ? "rope_parameters" : "rope_scaling";
    JsonNode parameters = json.path(key).isNull() ? MissingNode.getInstance() : json.path(key);
    if (!parameters.isMissingNode() && !parameters.isObject()) {
      throw refuse(key, parameters, "an object");
    }
    double theta =
        number(version5 && parameters.has("rope_theta") ? parameters : json, "rope_theta", 10000);
    String type = parameters.path("rope_type").asText(parameters.path("type").asText("default"));
    double rotary = number(parameters, "partial_rotary_factor", 1);
    if (rotary != 1) {
      throw refuse(key + ".partial_rotary_factor", rotary, "1");
    }
    return switch (type) {
      case "default" -> new RopeConfig(theta, new RopeConfig.Unscaled());
      case "linear" ->
          new RopeConfig(theta, new RopeConfig.Linear(need(parameters, key, "factor")));
      case "llama3" ->
          new RopeConfig(
              theta,
              new RopeConfig.Llama3(
                  need(parameters, key, "factor"),
                  need(parameters, key, "low_freq_factor"),
                  need(parameters, key, "high_freq_factor"),
                  (long) need(parameters, key, "original_max_position_embeddings")));
      default -> throw refuse(key + ".rope_type", type, "default, linear, llama3");
    };
  }

  private WeightType weightType() {
    String key = isAbsent("dtype") ? "torch_dtype" : "dtype";
    String name = isAbsent(key) ? "float32" : json.path(key).asText();
    return WeightType.ofConfigName(name)
        .orElseThrow(() -> refuse(key, name, WeightType.configNames()));
  }

  private boolean isAbsent(String key) {
    return json.path(key).isMissingNode() || json.path(key).isNull();
  }

  private int positive(String key) {
    JsonNode value = json.path(key);
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.asInt() < 1) {
      throw refuse(key, isAbsent(key) ? "nothing" : value, "a positive integer");
    }
    return value.asInt();
  }

  private boolean bool(String key, boolean absent) {
    JsonNode value = json.path(key);
    if (isAbsent(key)) {
      return absent;
    }
    if (!value.isBoolean()) {
      throw refuse(key, value, "true or false");
    }
    return value.asBoolean();
  }

  private double number(JsonNode node, String key, double absent) {
    JsonNode value = node.path(key);
    if (value.isMissingNode() || value.isNull()) {
      return absent;
    }
    if (!value.isNumber() || !(value.asDouble() > 0)) {
      throw refuse(key, value, "a positive number");
    }
    return value.asDouble();
  }

  private double need(JsonNode node, String parent, String key) {
    double value = number(node, key, Double.NaN);
    if (Double.isNaN(value)) {
      throw refuse(parent + "." + key, "nothing", "a positive number");
    }
    return value;
  }

  private InputException refuse(String key, Object found, String supported) {
    return new InputException(source + ": " + key + " is " + found + "; supported: " + supported);
  }
}
