package org.grpo4j.torch;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What config.json says about a decoder.
 *
 * @param vocabSize V, rows of the embedding
 * @param hiddenSize H
 * @param intermediateSize width of the feed-forward layer
 * @param layers number of decoder layers
 * @param heads query heads
 * @param keyValueHeads key and value heads; divides {@code heads}
 * @param headDim width of a head; even
 * @param rmsNormEpsilon added to the mean square in every RMS norm
 * @param tieWordEmbeddings whether the output projection is the embedding
 * @param queryKeyValueBias biases on the q, k and v projections
 * @param outputBias a bias on the attention's output projection
 * @param feedForwardBias biases on the gate, up and down projections
 * @param queryKeyNorm RMS norms over each head of q and k (Qwen3)
 * @param maxPositions longest sequence the checkpoint was made for
 * @param initializerRange standard deviation of randomly made weights
 * @param weightType the element type of the stored checkpoint; computation is in fp32
 * @param json the whole file, so that keys this program does not know survive saving
 */
public record ModelConfig(
    Architecture architecture,
    int vocabSize,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    int keyValueHeads,
    int headDim,
    double rmsNormEpsilon,
    boolean tieWordEmbeddings,
    boolean queryKeyValueBias,
    boolean outputBias,
    boolean feedForwardBias,
    boolean queryKeyNorm,
    int maxPositions,
    double initializerRange,
    RopeConfig rope,
    WeightType weightType,
    ObjectNode json) {

  /** File name inside a checkpoint folder. */
  public static final String FILE_NAME = "config.json";

  /**
   * Reads {@code config.json} as transformers 4 and 5 write it.
   *
   * @throws InputException if the file is missing, malformed, or asks for something unsupported
   */
  public static ModelConfig read(Path folder) {
    return ModelConfigReader.read(folder.resolve(FILE_NAME));
  }

  /**
   * Reads a configuration given as a tree.
   *
   * @param source what error messages call it
   */
  public static ModelConfig parse(ObjectNode json, Path source) {
    return new ModelConfigReader(json, source).read();
  }

  /**
   * Writes {@code config.json}: the file that was read, with the element type brought up to date.
   */
  public void write(Path folder) {
    ObjectNode copy = json.deepCopy();
    String key = copy.has("torch_dtype") && !copy.has("dtype") ? "torch_dtype" : "dtype";
    copy.put(key, weightType.configName());
    AtomicFiles.writeJson(folder.resolve(FILE_NAME), copy);
  }

  /** The same model, stored in another element type. */
  public ModelConfig withWeightType(WeightType type) {
    return new ModelConfig(
        architecture,
        vocabSize,
        hiddenSize,
        intermediateSize,
        layers,
        heads,
        keyValueHeads,
        headDim,
        rmsNormEpsilon,
        tieWordEmbeddings,
        queryKeyValueBias,
        outputBias,
        feedForwardBias,
        queryKeyNorm,
        maxPositions,
        initializerRange,
        rope,
        type,
        json);
  }

  /** Parameters of the model; tied embeddings count once. */
  public long parameterCount() {
    long count = 0;
    for (long[] shape : parameterShapes().values()) {
      long size = 1;
      for (long dimension : shape) {
        size *= dimension;
      }
      count += size;
    }
    return count;
  }

  /** Every parameter's name and shape, in the order of the layers. A tied lm_head has no entry. */
  Map<String, long[]> parameterShapes() {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    shapes.put("model.embed_tokens.weight", new long[] {vocabSize, hiddenSize});
    for (int i = 0; i < layers; i++) {
      addLayerShapes("model.layers." + i + ".", shapes);
    }
    shapes.put("model.norm.weight", new long[] {hiddenSize});
    if (!tieWordEmbeddings) {
      shapes.put("lm_head.weight", new long[] {vocabSize, hiddenSize});
    }
    return shapes;
  }

  private void addLayerShapes(String prefix, Map<String, long[]> shapes) {
    long queries = (long) heads * headDim;
    long keys = (long) keyValueHeads * headDim;
    shapes.put(prefix + "input_layernorm.weight", new long[] {hiddenSize});
    String attention = prefix + "self_attn.";
    addLinear(attention + "q_proj", queries, hiddenSize, queryKeyValueBias, shapes);
    addLinear(attention + "k_proj", keys, hiddenSize, queryKeyValueBias, shapes);
    addLinear(attention + "v_proj", keys, hiddenSize, queryKeyValueBias, shapes);
    addLinear(attention + "o_proj", hiddenSize, queries, outputBias, shapes);
    if (queryKeyNorm) {
      shapes.put(attention + "q_norm.weight", new long[] {headDim});
      shapes.put(attention + "k_norm.weight", new long[] {headDim});
    }
    shapes.put(prefix + "post_attention_layernorm.weight", new long[] {hiddenSize});
    String mlp = prefix + "mlp.";
    addLinear(mlp + "gate_proj", intermediateSize, hiddenSize, feedForwardBias, shapes);
    addLinear(mlp + "up_proj", intermediateSize, hiddenSize, feedForwardBias, shapes);
    addLinear(mlp + "down_proj", hiddenSize, intermediateSize, feedForwardBias, shapes);
  }

  private static void addLinear(
      String name, long out, long in, boolean bias, Map<String, long[]> shapes) {
    shapes.put(name + ".weight", new long[] {out, in});
    if (bias) {
      shapes.put(name + ".bias", new long[] {out});
    }
  }
}
