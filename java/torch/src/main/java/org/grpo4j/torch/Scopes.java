package org.grpo4j.torch;

import java.util.function.Supplier;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;

/**
 * Native memory of intermediate results. Without a scope it waits for the Java garbage collector,
 * which sees a few bytes per tensor and does not hurry.
 */
final class Scopes {
  private Scopes() {}

  /**
   * Runs a computation in a scope of its own. Its result outlives that scope: it moves to the scope
   * around the call, or, where there is none, belongs to the caller, who closes it.
   */
  static <T extends Pointer> T scoped(Supplier<T> computation) {
    T result;
    try (PointerScope scope = new PointerScope()) {
      result = computation.get();
      result.retainReference();
    }
    return adopt(result);
  }

  /** {@link #scoped} without recording gradients. */
  static <T extends Pointer> T scopedWithoutGradient(Supplier<T> computation) {
    return scoped(
        () -> {
          try (NoGradGuard guard = new NoGradGuard()) {
            return computation.get();
          }
        });
  }

  private static <T extends Pointer> T adopt(T owned) {
    PointerScope outer = PointerScope.getInnerScope();
    if (outer != null) {
      outer.attach(owned);
      owned.releaseReference();
    }
    return owned;
  }
}
