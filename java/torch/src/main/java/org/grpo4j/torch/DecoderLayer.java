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
 * @param queryKey the q and k projections as one, heads interleaved for {@link RotaryEmbedding},
 *     [(heads + keyValueHeads)·headDim, H]
 * @param queryKeyNorm the weights of the head norms, interleaved, [heads + keyValueHeads, headDim]
 */
record DecoderLayer(
    ModelConfig config,
    Tensor inputNorm,
    Linear queryKey,
    Linear value,
    @Nullable Tensor queryKeyNorm,
    Linear output,
    Tensor feedForwardNorm,
    Linear gate,
    Linear up,
    Linear down) {

  /**
   * Queries, keys and values of N tokens, queries and keys rotated to their positions.
   *
   * @param queryKey query heads, then key heads [N, heads + keyValueHeads, headDim]
   * @param value [N, keyValueHeads, headDim]
   */
  record Heads(Tensor queryKey, Tensor value) {}

  /**
   * Gathers a layer's weights for one pass; differentiable. What is concatenated and reordered here
   * is small beside the activations of a pass.
   */
  static DecoderLayer of(
      ModelConfig config, Map<String, Tensor> parameters, RotaryEmbedding rope, int index) {
    String prefix = "model.layers." + index + ".";
    String attention = prefix + "self_attn.";
    Linear q = linear(parameters, attention + "q_proj");
    Linear k = linear(parameters, attention + "k_proj");
    Tensor weight = torch.cat(new TensorVector(q.weight(), k.weight()), 0);
    Tensor bias = q.bias() == null ? null : torch.cat(new TensorVector(q.bias(), k.bias()), 0);
    return new DecoderLayer(
        config,
        parameter(parameters, prefix + "input_layernorm.weight"),
        new Linear(
            rope.interleave(weight, config.hiddenSize()),
            bias == null ? null : rope.interleave(bias, 1)),
        linear(parameters, attention + "v_proj"),
        config.queryKeyNorm() ? headNorms(config, parameters, rope, attention) : null,
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
    return Stream.of(queryKey.weight(), queryKey.bias(), queryKeyNorm)
        .filter(Objects::nonNull)
        .toList();
  }

  private static Tensor headNorms(
      ModelConfig config, Map<String, Tensor> parameters, RotaryEmbedding rope, String attention) {
    Tensor query = rope.interleave(parameter(parameters, attention + "q_norm.weight"), 1);
    Tensor key = rope.interleave(parameter(parameters, attention + "k_norm.weight"), 1);
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
    long rows = x.size(0);
    Tensor normed = rmsNorm(x, inputNorm, config);
    Tensor heads = queryKey.apply(normed).view(rows, -1, config.headDim());
    if (queryKeyNorm != null) {
      heads = rmsNorm(heads, config).mul(queryKeyNorm);
    }
    Tensor values = value.apply(normed).view(rows, -1, config.headDim());
    return new Heads(rope.rotate(heads, rotations), values);
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
