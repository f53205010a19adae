package org.grpo4j.trainer.recipe;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Estimates how much of a step's gradient is noise from its two halves, groups drawn independently:
 * with g = a + b, E‖a − b‖² = Var a + Var b = Var g, the trace of g's covariance; and ‖g‖² less
 * that, 4·a·b, estimates ‖E g‖² without bias. Keeps one copy of the gradient.
 */
final class GradientHalves {
  private final List<Tensor> parameters;
  private final int middle;
  private final List<Tensor> first = new ArrayList<>();
  private long firstRows;

  /**
   * @param variance estimate of the trace of the gradient's covariance
   * @param signal estimate of the squared norm of its expectation; may be negative
   */
  record Estimate(double variance, double signal) {}

  /**
   * @param parameters whose gradients add up
   * @param middle completions of the first half
   */
  GradientHalves(Collection<Tensor> parameters, int middle) {
    this.parameters = List.copyOf(parameters);
    this.middle = middle;
  }

  /** To be told after every micro-batch how many completions and rows have been so far. */
  void after(int completions, long rows) {
    if (completions != middle) {
      return;
    }
    firstRows = rows;
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      for (Tensor parameter : parameters) {
        Tensor gradient = parameter.grad();
        Tensor copy = gradient.defined() ? gradient.clone() : torch.zeros_like(parameter);
        copy.retainReference();
        first.add(copy);
      }
    }
  }

  /** The estimate; empty where a half had nothing to train on. Releases the copy. */
  Optional<Estimate> estimate(long rows) {
    if (first.isEmpty()) {
      return Optional.empty();
    }
    double variance = 0;
    double whole = 0;
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      for (int i = 0; i < parameters.size(); i++) {
        Tensor gradient = parameters.get(i).grad();
        if (gradient.defined()) {
          variance += squaredNorm(first.get(i).add(first.get(i)).sub(gradient));
          whole += squaredNorm(gradient);
        }
      }
    }
    first.forEach(Tensor::close);
    first.clear();
    return firstRows == 0 || firstRows == rows
        ? Optional.empty()
        : Optional.of(new Estimate(variance, whole - variance));
  }

  private static double squaredNorm(Tensor tensor) {
    return tensor.square().sum().item_double();
  }
}
