package org.grpo4j.benchmarks;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The same loss as a chain of torch's operations, with autograd's backward pass.
 *
 * @param targets [rows] int64; the other three [rows] float32
 */
record TorchLoss(Tensor targets, Tensor oldLogProbs, Tensor advantages, Tensor weights) {
  /** What a forward pass leaves: the loss, and the logits that its gradient belongs to. */
  record Graph(Tensor leaf, Tensor loss) {
    Tensor backward() {
      loss.backward();
      return leaf.grad();
    }
  }

  Graph forward(Tensor logits, double bound, double entropyCoef) {
    Tensor leaf = logits.detach().set_requires_grad(true);
    Tensor logP = torch.log_softmax(leaf, 1);
    Tensor logProbs = logP.gather(1, targets.unsqueeze(1)).squeeze(1).toType(ScalarType.Float);
    Tensor ratio = logProbs.sub(oldLogProbs).exp();
    Tensor clipped =
        ratio.clamp(
            new ScalarOptional(new Scalar(1 - bound)), new ScalarOptional(new Scalar(1 + bound)));
    Tensor loss = torch.minimum(ratio.mul(advantages), clipped.mul(advantages)).neg();
    // As in TRL: where it has no coefficient, the entropy is a metric without a gradient.
    Tensor counted = entropyCoef == 0 ? logP.detach() : logP;
    Tensor entropy = counted.exp().mul(counted).sum(1).neg().toType(ScalarType.Float);
    Tensor total = loss.sub(entropy.mul(new Scalar(entropyCoef))).mul(weights).sum();
    return new Graph(leaf, total);
  }

  /** Log-prob of the target and entropy, forward only. */
  Tensor tokenStats(Tensor logits) {
    Tensor logP = torch.log_softmax(logits, 1);
    Tensor logProbs = logP.gather(1, targets.unsqueeze(1)).squeeze(1);
    return logProbs.add(logP.exp().mul(logP).sum(1));
  }
}
