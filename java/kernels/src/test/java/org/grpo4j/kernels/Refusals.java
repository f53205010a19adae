package org.grpo4j.kernels;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.function.Executable;

/** What tests of wrong arguments share. */
final class Refusals {
  private Refusals() {}

  /** A call that is refused with a message that holds a text. */
  static void refused(String part, Executable call) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call);
    assertTrue(String.valueOf(e.getMessage()).contains(part), e::toString);
  }

  /** Eleven values again and again: neighbours differ, and none is 0. */
  static FloatPointer ramp(int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (i * 7 % 11) * 0.25f + 0.5f;
    }
    return new FloatPointer(values);
  }
}
