package org.grpo4j.trainer.rollout;

import java.nio.FloatBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.StringViewOptional;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.grpo4j.torch.InputException;

/**
 * Picks the next token of each row from its logits; the order is temperature, top-k, top-p. The
 * draws are given: nothing here has a random state. On a GPU the choice is made there, and a number
 * per row comes back.
 */
public final class TokenChooser {
  private final SamplingConfig config;

  public TokenChooser(SamplingConfig config) {
    this.config = config;
  }

  /**
   * @param logits [rows, V] f32
   * @param uniforms one draw in [0, 1) per row; unused when greedy
   * @param tokens receives the chosen token of each row
   */
  public void choose(Tensor logits, double[] uniforms, int[] tokens) {
    int rows = Math.toIntExact(logits.size(0));
    if (config.isGreedy()) {
      read(torch.argmax(logits, new LongOptional(-1), false), tokens);
      return;
    }
    Tensor probabilities =
        torch.softmax(logits.div(new Scalar(config.temperature())), -1).contiguous();
    probabilities = keepTop(probabilities);
    if (!probabilities.is_cpu()) {
      read(draw(probabilities, uniforms), tokens);
      return;
    }
    int vocab = Math.toIntExact(logits.size(1));
    FloatBuffer all =
        new FloatPointer(probabilities.data_ptr_float()).capacity((long) rows * vocab).asBuffer();
    float[] row = new float[vocab];
    for (int r = 0; r < rows; r++) {
      all.get(row);
      tokens[r] = invertCdf(row, uniforms[r]);
    }
  }

  private Tensor keepTop(Tensor probabilities) {
    Tensor kept = probabilities;
    long vocab = kept.size(1);
    if (config.topK() > 0 && config.topK() < vocab) {
      Tensor best = torch.topk(kept, config.topK()).get0();
      kept = zeroBelow(kept, best.narrow(1, config.topK() - 1L, 1));
    }
    if (config.topP() < 1) {
      T_TensorTensor_T sorted = torch.sort(kept, -1, true);
      Tensor p = sorted.get0();
      Tensor total = p.sum(new long[] {1}, true, new org.bytedeco.pytorch.ScalarTypeOptional());
      // A token stays while the mass before it is under topP: the one that crosses it stays too.
      Tensor before = p.cumsum(1).sub(p);
      Tensor stays = before.lt(total.mul(new Scalar(config.topP())));
      Tensor infinity = torch.full_like(p, new Scalar(Float.POSITIVE_INFINITY));
      Tensor smallest = torch.where(stays, p, infinity).amin(new long[] {1}, true);
      kept = zeroBelow(kept, smallest);
    }
    return kept;
  }

  private static Tensor zeroBelow(Tensor p, Tensor threshold) {
    return p.masked_fill(p.lt(threshold), new Scalar(0.0));
  }

  private static void read(Tensor ids, int[] tokens) {
    LongPointer values = new LongPointer(ids.cpu().data_ptr_long()).capacity(tokens.length);
    for (int r = 0; r < tokens.length; r++) {
      tokens[r] = Math.toIntExact(values.get(r));
      if (tokens[r] < 0) {
        throw notNumbers();
      }
    }
  }

  /**
   * {@link #invertCdf} of every row where the probabilities are.
   *
   * @param p [rows, V] f32
   * @return the tokens [rows] i64; −1 for a row whose probabilities are not numbers
   */
  static Tensor draw(Tensor p, double[] uniforms) {
    long vocab = p.size(1);
    Tensor cumulative = p.to(torch.ScalarType.Double).cumsum(1);
    Tensor total = cumulative.narrow(1, vocab - 1, 1);
    Tensor draws =
        Tensor.create(uniforms, uniforms.length, 1).to(p.device(), torch.ScalarType.Double);
    Tensor found =
        torch
            .searchsorted(
                cumulative,
                draws.mul(total),
                false,
                true,
                new StringViewOptional(),
                new TensorOptional())
            .clamp_max(new Scalar(vocab - 1));
    // Sums made in parallel may rise by a rounding where p is 0.
    Tensor best = torch.argmax(p, new LongOptional(-1), true);
    Tensor possible = torch.where(p.gather(1, found).gt(new Scalar(0)), found, best);
    return possible.masked_fill(total.gt(new Scalar(0)).logical_not(), new Scalar(-1)).view(-1);
  }

  private static InputException notNumbers() {
    return new InputException(
        "the model's logits are not numbers any more: lower learning_rate or max_grad_norm, and"
            + " resume from an earlier checkpoint");
  }

  /** The token in whose interval of the cumulative distribution the draw falls; f64 sums. */
  static int invertCdf(float[] p, double uniform) {
    double total = 0;
    for (float x : p) {
      total += x;
    }
    double target = uniform * total;
    double cumulative = 0;
    int last = -1;
    for (int v = 0; v < p.length; v++) {
      if (p[v] > 0) {
        cumulative += p[v];
        last = v;
        if (cumulative > target) {
          return v;
        }
      }
    }
    if (last < 0) {
      throw notNumbers();
    }
    return last;
  }
}
