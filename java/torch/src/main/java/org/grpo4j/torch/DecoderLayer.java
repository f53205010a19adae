package org.grpo4j.torch;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * One pre-norm decoder layer over N tokens, all but the attention itself, which depends on how the
 * tokens form sequences.
 *
 * @param queryKeyValue the three projections as one, [(heads + 2·keyValueHeads)·headDim, H]
 * @param queryKeyNorm the weights of the head norms, [heads + keyValueHeads, headDim]
 */
record DecoderLayer(
    ModelConfig config,
    Tensor inputNorm,
    Linear queryKeyValue,
    @Nullable Tensor queryKeyNorm,
    Linear output,
    Tensor feedForwardNorm,
    Linear gate,
    Linear up,
    Linear down) {

  /**
   * Queries, keys and values of N tokens, rotated to their positions.
   *
   * @param query [N, heads, headDim]
   * @param key [N, keyValueHeads, headDim]
   * @param value [N, keyValueHeads, headDim]
   */
  record Heads(Tensor query, Tensor key, Tensor value) {}

  /**
   * Gathers a layer's weights for one pass; differentiable. The concatenations cost little beside
   * the products they merge.
   */
  static DecoderLayer of(ModelConfig config, Map<String, Tensor> parameters, int index) {
    String prefix = "model.layers." + index + ".";
    String attention = prefix + "self_attn.";
    Linear q = linear(parameters, attention + "q_proj");
    Linear k = linear(parameters, attention + "k_proj");
    Linear v = linear(parameters, attention + "v_proj");
    Tensor weight = torch.cat(new TensorVector(q.weight(), k.weight(), v.weight()), 0);
    Tensor bias =
        q.bias() == null ? null : torch.cat(new TensorVector(q.bias(), k.bias(), v.bias()), 0);
    return new DecoderLayer(
        config,
        parameter(parameters, prefix + "input_layernorm.weight"),
        new Linear(weight, bias),
        config.queryKeyNorm() ? headNorms(config, parameters, attention) : null,
        linear(parameters, attention + "o_proj"),
        parameter(parameters, prefix + "post_attention_layernorm.weight"),
        linear(parameters, prefix + "mlp.gate_proj"),
        linear(parameters, prefix + "mlp.up_proj"),
        linear(parameters, prefix + "mlp.down_proj"));
  }

  /** Lets the gathered weights outlive the scope they were made in. */
  DecoderLayer retain() {
    gathered().forEach(Tensor::retainReference);
    return this;
  }

  /** Frees the gathered weights after {@link #retain}; the parameters stay. */
  void release() {
    gathered().forEach(Tensor::close);
  }

  private List<Tensor> gathered() {
    return Stream.of(queryKeyValue.weight(), queryKeyValue.bias(), queryKeyNorm)
        .filter(Objects::nonNull)
        .toList();
  }

  private static Tensor headNorms(
      ModelConfig config, Map<String, Tensor> parameters, String attention) {
    Tensor query = parameter(parameters, attention + "q_norm.weight");
    Tensor key = parameter(parameters, attention + "k_norm.weight");
    return torch.cat(
        new TensorVector(
            query.expand(config.heads(), config.headDim()),
            key.expand(config.keyValueHeads(), config.headDim())),
        0);
  }

  private static Linear linear(Map<String, Tensor> parameters, String name) {
    return new Linear(parameter(parameters, name + ".weight"), parameters.get(name + ".bias"));
  }

  private static Tensor parameter(Map<String, Tensor> parameters, String name) {
    Tensor tensor = parameters.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException("parameters: no " + name);
    }
    return tensor;
  }

  /**
   * The first half: norm, projections, head norms, rotation.
   *
   * @param x [N, H]
   */
  Heads project(Tensor x, RotaryEmbedding rope, Tensor rotations) {
    int heads = config.heads();
    int keys = config.keyValueHeads();
    long dim = config.headDim();
    long rows = x.size(0);
    Tensor all = queryKeyValue.apply(rmsNorm(x, inputNorm, config));
    TensorVector parts = all.split_with_sizes(new long[] {(heads + keys) * dim, keys * dim}, 1);
    Tensor queryKey = parts.get(0).view(rows, heads + keys, dim);
    if (queryKeyNorm != null) {
      queryKey = rmsNorm(queryKey, config).mul(queryKeyNorm);
    }
    TensorVector rotated =
        rope.rotate(queryKey, rotations).split_with_sizes(new long[] {heads, keys}, 1);
    return new Heads(rotated.get(0), rotated.get(1), parts.get(1).view(rows, keys, dim));
  }

  /**
   * The second half: output projection, residual, feed-forward, residual.
   *
   * @param x the layer's input [N, H]
   * @param attended [N, heads·headDim]
   */
  Tensor finish(Tensor x, Tensor attended) {
    Tensor middle = x.add(output.apply(attended));
    Tensor normed = rmsNorm(middle, feedForwardNorm, config);
    Tensor gated = torch.silu(gate.apply(normed)).mul(up.apply(normed));
    return middle.add(down.apply(gated));
  }

  /** x / sqrt(mean(x²) + ε) · weight over the last dimension. */
  static Tensor rmsNorm(Tensor x, Tensor weight, ModelConfig config) {
    return torch.rms_norm(
        x,
        new long[] {weight.size(0)},
        new TensorOptional(weight),
        new DoubleOptional(config.rmsNormEpsilon()));
  }

  private static Tensor rmsNorm(Tensor x, ModelConfig config) {
    return torch.rms_norm(
        x,
        new long[] {x.size(-1)},
        new TensorOptional(),
        new DoubleOptional(config.rmsNormEpsilon()));
  }
}
