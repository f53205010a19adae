package org.grpo4j.trainer.recipe;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Variance of a gradient from pairs of independent samples a, b: ‖a − b‖² / 2 estimates the trace
 * of its covariance, a·b the squared norm of its expectation, both without bias. Keeps one copy of
 * the gradient.
 */
final class GradientPairs implements AutoCloseable {
  private final List<Tensor> parameters;
  private final List<Tensor> first = new ArrayList<>();
  private final List<Double> variances = new ArrayList<>();
  private final List<Double> signals = new ArrayList<>();

  GradientPairs(Collection<Tensor> parameters) {
    this.parameters = List.copyOf(parameters);
  }

  /** Takes the gradient that the parameters hold and clears it. */
  void take() {
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      if (first.isEmpty()) {
        for (Tensor parameter : parameters) {
          Tensor gradient = parameter.grad();
          Tensor copy = gradient.defined() ? gradient.clone() : torch.zeros_like(parameter);
          copy.retainReference();
          first.add(copy);
        }
      } else {
        compare();
        close();
      }
      for (Tensor parameter : parameters) {
        if (parameter.grad().defined()) {
          parameter.grad().zero_();
        }
      }
    }
  }

  private void compare() {
    double variance = 0;
    double signal = 0;
    for (int i = 0; i < parameters.size(); i++) {
      Tensor gradient = parameters.get(i).grad();
      Tensor other = gradient.defined() ? gradient : torch.zeros_like(first.get(i));
      variance += first.get(i).sub(other).square().sum().item_double() / 2;
      signal += first.get(i).mul(other).sum().item_double();
    }
    variances.add(variance);
    signals.add(signal);
  }

  /** Of each pair so far. */
  double[] variances() {
    return variances.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** Of each pair so far. */
  double[] signals() {
    return signals.stream().mapToDouble(Double::doubleValue).toArray();
  }

  /** Releases the copy. */
  @Override
  public void close() {
    first.forEach(Tensor::close);
    first.clear();
  }
}
