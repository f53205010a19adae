package org.grpo4j.kernels;

import org.bytedeco.javacpp.LongPointer;
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

  /** Names an argument that must be there. */
  static <T> T present(String name, @Nullable T value) {
    if (value == null) {
      throw invalid("%s is null", name);
    }
    return value;
  }

  /**
   * Elements from the pointer's position to its limit; 0 for a pointer of unknown size. JavaCPP
   * lets a position or limit be set that the pointer's memory does not reach.
   */
  static long remaining(String name, Pointer pointer) {
    long position = pointer.position();
    long limit = pointer.limit();
    if (position < 0 || limit > pointer.capacity()) {
      throw invalid(
          "%s goes from element %d to %d: want them within its capacity, %d (capacity(n) sets that"
              + " of a pointer of unknown size)",
          name, position, limit, pointer.capacity());
    }
    return Math.max(0, limit - position);
  }

  /** An array of exactly n elements. */
  static void array(String name, @Nullable Pointer pointer, long n) {
    array(name, pointer, n, "one element per row");
  }

  static void array(String name, @Nullable Pointer pointer, long n, String meaning) {
    if (pointer == null || (n > 0 && pointer.isNull())) {
      throw invalid("%s is null or closed: want [%d]", name, n);
    }
    long given = remaining(name, pointer);
    if (given != n) {
      throw invalid("%s has shape [%d]: want [%d], %s", name, given, n, meaning);
    }
  }

  /** An array whose own length, which is given back, says how much there is. */
  static long vector(String name, @Nullable Pointer pointer) {
    long n = pointer == null ? 0 : remaining(name, pointer);
    if (pointer == null || (n > 0 && pointer.isNull())) {
      throw invalid("%s is null or closed: want an array", name);
    }
    return n;
  }

  /** Offsets [parts + 1] that rise from 0 to n. */
  static void offsets(
      String name, @Nullable LongPointer offsets, String parts, long n, String elements) {
    long count = offsets == null ? 0 : remaining(name, offsets);
    if (offsets == null || count < 1 || offsets.isNull()) {
      throw invalid("%s is empty or closed: want [%s + 1], from 0 to %d", name, parts, n);
    }
    if (offsets.get(0) != 0 || offsets.get(count - 1) != n) {
      throw invalid(
          "%s goes from %d to %d: want 0 to %d, the number of %s",
          name, offsets.get(0), offsets.get(count - 1), n, elements);
    }
    for (long b = 1; b < count; b++) {
      if (offsets.get(b) < offsets.get(b - 1)) {
        throw invalid(
            "%s[%d] is %d after %d: want increasing offsets",
            name, b, offsets.get(b), offsets.get(b - 1));
      }
    }
  }

  /** The same in a device's memory, where only their number can be seen. */
  static void deviceOffsets(String name, @Nullable LongPointer offsets, String parts) {
    if (offsets == null || remaining(name, offsets) < 1 || offsets.isNull()) {
      throw invalid("%s is empty or closed: want [%s + 1]", name, parts);
    }
  }

  static void optionalArray(String name, @Nullable Pointer pointer, long n) {
    if (pointer != null) {
      array(name, pointer, n);
    }
  }

  static void temperature(double value) {
    if (!(value >= 1e-12 && value <= 1e12)) { // kLeastTemperature, kMostTemperature
      throw invalid("temperature is %s: want 1e-12 to 1e12", value);
    }
  }

  static void softCap(double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      throw invalid("softCap is %s: want > 0 and finite, or 0 for none", value);
    }
  }
}
