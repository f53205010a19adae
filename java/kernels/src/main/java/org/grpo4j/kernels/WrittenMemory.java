package org.grpo4j.kernels;

import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * The memory that a call writes. An argument that shares a byte with it is refused: the call would
 * overwrite what it has still to read, or one of its results with another. Addresses alone are
 * compared, so those of a device will do.
 */
final class WrittenMemory {
  private static final int MOST = 6;

  private final String[] names = new String[MOST];
  private final long[] begins = new long[MOST];
  private final long[] ends = new long[MOST];
  private int count;

  /** Adds an array that is written, disjoint from those before it; null: there is none. */
  void output(String name, @Nullable Pointer pointer) {
    if (pointer != null) {
      long begin = Struct.address(pointer);
      output(name, begin, begin + bytes(name, pointer));
    }
  }

  void output(String name, Logits matrix) {
    output(name, matrix.address(), matrix.end());
  }

  void output(String name, long begin, long end) {
    input(name, begin, end);
    names[count] = name;
    begins[count] = begin;
    ends[count++] = end;
  }

  /** Checks an array that is read against what has been added; null: there is none. */
  void input(String name, @Nullable Pointer pointer) {
    if (pointer != null) {
      long begin = Struct.address(pointer);
      input(name, begin, begin + bytes(name, pointer));
    }
  }

  void input(String name, Logits matrix) {
    input(name, matrix.address(), matrix.end());
  }

  void input(String name, long begin, long end) {
    for (int k = 0; k < count; k++) {
      // An array without elements shares nothing, wherever it begins.
      if (begin < end && begins[k] < ends[k] && begin < ends[k] && begins[k] < end) {
        throw Arguments.invalid("%s overlaps %s: want memory of its own", names[k], name);
      }
    }
  }

  private static long bytes(String name, Pointer pointer) {
    return Arguments.remaining(name, pointer) * Struct.elementBytes(pointer);
  }
}
