package org.grpo4j.torch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Generator;
import org.bytedeco.pytorch.GeneratorOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * A decoder-only language model (Qwen3, Qwen2, Llama) in fp32, on the CPU or a GPU.
 *
 * <p>Token ids and masks are given on the host, where a pass is laid out; what is computed lies on
 * the model's device, as do positions and caches.
 *
 * <p>Results belong to the caller's innermost PointerScope, or to the caller where there is none.
 */
public final class DecoderModel implements AutoCloseable {
  private static final String EMBEDDING = "model.embed_tokens.weight";

  private final ModelConfig config;
  private final TorchDevice device;
  private final SortedMap<String, Tensor> parameters;
  private final RotaryEmbedding rope;

  private DecoderModel(
      ModelConfig config, TorchDevice device, SortedMap<String, Tensor> parameters) {
    this.config = config;
    this.device = device;
    this.parameters = parameters;
    this.rope = new RotaryEmbedding(config.rope(), config.headDim(), device);
  }

  /** {@link #load(Path, boolean, TorchDevice)} into host memory. */
  public static DecoderModel load(Path folder, boolean trainable) {
    return load(folder, trainable, TorchDevice.CPU);
  }

  /**
   * Loads a Hugging Face checkpoint folder: config.json and safetensors, single or sharded.
   *
   * @param trainable whether the parameters record gradients
   * @param device where the model computes; one tensor at a time passes through host memory
   * @throws InputException naming the file and what is wrong with it
   */
  public static DecoderModel load(Path folder, boolean trainable, TorchDevice device) {
    TorchRuntime.load();
    ModelConfig config = ModelConfig.read(folder);
    SortedMap<String, Tensor> parameters =
        Safetensors.read(folder, config.parameterShapes(), device);
    parameters.values().forEach(p -> p.set_requires_grad(trainable));
    return new DecoderModel(config, device, parameters);
  }

  /** {@link #random(ModelConfig, long, boolean, TorchDevice)} in host memory. */
  public static DecoderModel random(ModelConfig config, long seed, boolean trainable) {
    return random(config, seed, trainable, TorchDevice.CPU);
  }

  /**
   * A model with random weights, initialised as transformers does: matrices normal with the
   * config's standard deviation, biases 0, norms 1. They are drawn on the host: the same seed gives
   * the same weights on every device.
   */
  public static DecoderModel random(
      ModelConfig config, long seed, boolean trainable, TorchDevice device) {
    TorchRuntime.load();
    SortedMap<String, Tensor> parameters = new TreeMap<>();
    try (PointerScope scope = new PointerScope()) {
      Generator generator = torch.make_generator_cpu(seed);
      for (Map.Entry<String, long[]> each : config.parameterShapes().entrySet()) {
        Tensor parameter = device.move(initial(each.getKey(), each.getValue(), config, generator));
        parameters.put(each.getKey(), parameter.retainReference());
        parameter.set_requires_grad(trainable);
      }
    }
    return new DecoderModel(config, device, parameters);
  }

  private static Tensor initial(
      String name, long[] shape, ModelConfig config, Generator generator) {
    if (name.endsWith("norm.weight")) {
      return torch.ones(shape);
    }
    Tensor zeros = torch.zeros(shape);
    return name.endsWith(".bias")
        ? zeros
        : zeros.normal_(0, config.initializerRange(), new GeneratorOptional(generator));
  }

  public ModelConfig config() {
    return config;
  }

  /** Where the parameters lie and everything is computed. */
  public TorchDevice device() {
    return device;
  }

  /** Every parameter under its Hugging Face name, in fp32; a tied lm_head is absent. */
  public SortedMap<String, Tensor> parameters() {
    return Collections.unmodifiableSortedMap(parameters);
  }

  /** How many numbers the parameters hold. */
  public long parameterCount() {
    return parameters.values().stream().mapToLong(Tensor::numel).sum();
  }

  /**
   * Final hidden states of whole sequences, with gradients.
   *
   * @param inputIds [B, T], int64
   * @param attentionMask 1 at tokens, 0 at padding on either side [B, T], int64
   * @return [B, T, H], after the final norm; 0 at padding, which is not computed
   */
  public Tensor hidden(Tensor inputIds, Tensor attentionMask) {
    Tensors.requireLongMatrix("inputIds", inputIds);
    Tensors.requireLongMatrix("attentionMask", attentionMask);
    Tensors.requireShape("attentionMask", attentionMask, inputIds.size(0), inputIds.size(1));
    return Scopes.scoped(
        () -> {
          TokenLayout layout =
              new TokenLayout(device, TokenLayout.unpad("attentionMask", inputIds, attentionMask));
          PackedPass pass = new PackedPass(this, layout);
          gatherLayers().forEach(pass::run);
          return padded(norm(pass.states()), attentionMask);
        });
  }

  /** Puts packed rows where the mask is not 0, and zeros elsewhere. */
  private Tensor padded(Tensor packed, Tensor mask) {
    long width = packed.size(1);
    if (packed.size(0) == mask.numel()) {
      return packed.view(mask.size(0), mask.size(1), width);
    }
    long[] rows = Tensors.toLongs(mask);
    long next = 0;
    long padding = packed.size(0);
    for (int i = 0; i < rows.length; i++) {
      rows[i] = rows[i] != 0 ? next++ : padding;
    }
    Tensor extended = torch.cat(new TensorVector(packed, Tensors.zeros(device, 1, width)), 0);
    return Tensors.gather(extended, Tensors.longs(device, rows, rows.length))
        .view(mask.size(0), mask.size(1), width);
  }

  /**
   * The hidden states that predict the completions' tokens, with gradients. Each prompt is computed
   * once; its keys and values are shared by its completions.
   *
   * @param completionIds right padded [B, Tc], int64; what pads does not matter
   * @return [B, Tc, H], after the final norm: row t predicts completion token t, so the last token
   *     of a completion is never an input
   */
  public Tensor completionHidden(PromptBatch prompts, Tensor completionIds) {
    long batch = completionIds.size(0);
    long length = completionIds.size(1);
    Tensor full = torch.full(new long[] {batch}, new Scalar(length)).to(torch.ScalarType.Long);
    return completionHidden(prompts, completionIds, full).view(batch, length, -1);
  }

  /**
   * The same without padding: neither computed nor returned.
   *
   * @param completionIds right padded [B, Tc], int64
   * @param lengths tokens of each completion, from 1 to Tc [B], int64
   * @return [Σ lengths, H]: the rows of the first completion, then those of the second, ...
   */
  public Tensor completionHidden(PromptBatch prompts, Tensor completionIds, Tensor lengths) {
    CompletionRows rows = CompletionRows.of(prompts, completionIds, lengths, device);
    return Scopes.scoped(
        () -> {
          PackedPass pass = new PackedPass(this, rows.layout());
          List<DecoderLayer> layers = gatherLayers();
          int last = layers.size() - 1;
          layers.subList(0, last).forEach(pass::run);
          pass.runLast(layers.get(last), rows.kept());
          Tensor predicting = Tensors.longs(device, rows.predicting());
          return norm(Tensors.gather(pass.states(), predicting));
        });
  }

  /**
   * Logits over the vocabulary.
   *
   * @param hidden [..., H]
   * @return [..., V]
   */
  public Tensor logits(Tensor hidden) {
    return torch.linear(hidden, head());
  }

  /**
   * Computes the prompts once, without gradients, and makes room for their completions.
   *
   * @param maxNewTokens how many tokens {@link #step} may add to each sequence
   */
  public KvCache prefill(PromptBatch prompts, int maxNewTokens) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      TokenLayout layout =
          new TokenLayout(device, TokenLayout.unpad("prompts", prompts.ids(), prompts.mask()));
      PromptSlots slots = PromptSlots.of(config, layout, prompts.promptOf(), maxNewTokens);
      PackedPass pass = new PackedPass(this, layout);
      List<DecoderLayer> layers = gatherLayers();
      List<KvCache.LayerCache> caches = new ArrayList<>();
      for (DecoderLayer layer : layers) {
        caches.add(slots.cache(pass.run(layer)));
      }
      Tensor last = Tensors.gather(pass.states(), Tensors.longs(device, slots.lastRows()));
      Tensor first = Tensors.select(logits(norm(last)), device.move(prompts.promptOf()));
      return new KvCache(
          layers.stream().map(DecoderLayer::retain).toList(),
          caches,
          slots.sequences(first.retainReference()),
          slots.length());
    }
  }

  /**
   * Adds one token to every sequence of a cache, without gradients.
   *
   * @param tokens [B], int64
   * @return logits of the next token [B, V]
   */
  public Tensor step(KvCache cache, Tensor tokens) {
    Tensors.requireLongVector("tokens", tokens);
    Tensors.requireShape("tokens", tokens, cache.sequences());
    if (cache.remaining() == 0) {
      throw new IllegalArgumentException("cache: full, wanted room for one more token");
    }
    return Scopes.scopedWithoutGradient(
        () -> {
          Tensor x = embed(device.move(tokens));
          cache.advance();
          Tensor rotations = rope.rotations(cache.positions(), cache.length());
          for (int i = 0; i < config.layers(); i++) {
            DecoderLayer layer = cache.layers().get(i);
            DecoderLayer.Heads heads = layer.project(x, rope, rotations);
            x = layer.finish(x, cache.attend(i, heads));
          }
          cache.positions().add_(new Scalar(1));
          return logits(norm(x));
        });
  }

  /** Saves config.json and safetensors in the element type of the config. */
  public void save(Path folder) {
    save(folder, config.weightType(), Safetensors.DEFAULT_MAX_SHARD_BYTES);
  }

  /**
   * Saves config.json and safetensors. Every file is either the earlier one or complete.
   *
   * @param type the stored element type
   * @param maxShardBytes size above which the weights are split into several files
   * @throws InputException if the folder cannot be written, for example because the disk is full
   */
  public void save(Path folder, WeightType type, long maxShardBytes) {
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw AtomicFiles.cannotWrite(folder, e);
    }
    Safetensors.write(folder, parameters, type, maxShardBytes);
    config.withWeightType(type).write(folder);
  }

  Tensor embed(Tensor ids) {
    return Tensors.gather(parameter(EMBEDDING), ids);
  }

  RotaryEmbedding rope() {
    return rope;
  }

  List<DecoderLayer> gatherLayers() {
    List<DecoderLayer> layers = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      layers.add(DecoderLayer.of(config, parameters, rope, i));
    }
    return layers;
  }

  Tensor norm(Tensor x) {
    return DecoderLayer.rmsNorm(x, parameter("model.norm.weight"), config);
  }

  private Tensor head() {
    return parameter(config.tieWordEmbeddings() ? EMBEDDING : "lm_head.weight");
  }

  private Tensor parameter(String name) {
    return Objects.requireNonNull(parameters.get(name), name);
  }

  /** Frees the parameters and their gradients. */
  @Override
  public void close() {
    parameters.values().forEach(Tensor::close);
    rope.close();
  }
}
