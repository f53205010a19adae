package org.grpo4j.benchmarks;

import java.util.HashMap;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Logits in libtorch's memory: one buffer for all benchmarks of a process, because pages differ in
 * speed, too. Operations in place leave gradients behind, so what the logits were at first is kept.
 */
final class SharedLogits {
  /** Normal logits of deviation 3, every second one −∞ (at random places). */
  static final String HALF_MINUS_INFINITY = "half-minus-inf";

  private record Key(long rows, long vocab, String dtype, String logits) {}

  private static final Map<Key, SharedLogits> ALL = new HashMap<>();

  private final long rows;
  private final long bytes;
  private final Tensor targets;
  private final Tensor logits;
  private final Tensor original;

  private SharedLogits(BatchCase of) {
    rows = of.rows();
    bytes = of.bytes();
    ScalarType type = of.dtype().equals("bf16") ? ScalarType.BFloat16 : ScalarType.Float;
    try (PointerScope scope = new PointerScope()) {
      targets =
          torch.zeros(rows).uniform_().mul(new Scalar(of.vocab() - 1.0)).toType(ScalarType.Long);
      boolean half = of.logits().equals(HALF_MINUS_INFINITY);
      double deviation = half ? 3 : Double.parseDouble(of.logits());
      Tensor values = torch.zeros(rows, of.vocab()).normal_().mul_(new Scalar(deviation));
      if (half) {
        Tensor places = torch.zeros(rows, of.vocab()).uniform_().lt(new Scalar(0.5));
        values.masked_fill_(places, new Scalar(Double.NEGATIVE_INFINITY));
        // A sampled token has a finite log-prob.
        values.scatter_(1, targets.unsqueeze(1), new Scalar(0.0));
      }
      original = values.toType(type);
      logits = original.clone();
      // They live on when the scope ends.
      targets.retainReference();
      original.retainReference();
      logits.retainReference();
    }
  }

  /** The same object for the same shape, type and kind of logits, with its first values. */
  static SharedLogits of(BatchCase which) {
    Key key = new Key(which.rows(), which.vocab(), which.dtype(), which.logits());
    SharedLogits shared = ALL.computeIfAbsent(key, missing -> new SharedLogits(which));
    shared.restore();
    return shared;
  }

  void restore() {
    try (PointerScope scope = new PointerScope()) {
      logits.copy_(original);
    }
  }

  Tensor logits() {
    return logits;
  }

  /** [rows], int64. */
  Tensor targets() {
    return targets;
  }

  /** The buffer's memory; its limit is its end. */
  BytePointer memory() {
    Pointer data = logits.data_ptr();
    return new BytePointer(data).capacity(bytes);
  }
}
