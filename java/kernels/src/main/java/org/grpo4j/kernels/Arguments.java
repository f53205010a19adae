package org.grpo4j.kernels;

import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/** Checks of arguments; a message names the argument, the shape given and the shape wanted. */
final class Arguments {
  private Arguments() {}

  @SuppressWarnings("AnnotateFormatMethod") // its annotation would be a second dependency
  static IllegalArgumentException invalid(String message, Object... values) {
    return new IllegalArgumentException(String.format(message, values));
  }

  /** For places that are not called once per row or call: the values are built either way. */
  @SuppressWarnings("AnnotateFormatMethod")
  static void check(boolean condition, String message, Object... values) {
    if (!condition) {
      throw invalid(message, values);
    }
  }

  /** Elements from the pointer's position to its limit; 0 for a pointer of unknown size. */
  static long remaining(Pointer pointer) {
    return Math.max(0, pointer.limit() - pointer.position());
  }

  /** An array of exactly n elements. */
  static void array(String name, @Nullable Pointer pointer, long n) {
    array(name, pointer, n, "one element per row");
  }

  static void array(String name, @Nullable Pointer pointer, long n, String meaning) {
    if (pointer == null || (n > 0 && pointer.isNull())) {
      throw invalid("%s is null or closed: want [%d]", name, n);
    }
    if (remaining(pointer) != n) {
      throw invalid("%s has shape [%d]: want [%d], %s", name, remaining(pointer), n, meaning);
    }
  }

  static void optionalArray(String name, @Nullable Pointer pointer, long n) {
    if (pointer != null) {
      array(name, pointer, n);
    }
  }

  static void temperature(double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw invalid("temperature is %s: want > 0 and finite", value);
    }
  }

  static void softCap(double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw invalid("softCap is %s: want > 0 and finite, or 0 for none", value);
    }
  }
}
