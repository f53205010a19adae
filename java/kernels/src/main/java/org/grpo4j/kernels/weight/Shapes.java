package org.grpo4j.kernels.weight;

import java.util.Arrays;

/** Checks of arrays [B][T_i]: one row of tokens per completion, of different lengths. */
final class Shapes {
  private Shapes() {}

  private static final int MISSING = -1;

  /** Of each completion. */
  static int[] lengths(float[][] values) {
    return Arrays.stream(values).mapToInt(v -> v == null ? MISSING : v.length).toArray();
  }

  static int[] lengths(double[][] values) {
    return Arrays.stream(values).mapToInt(v -> v == null ? MISSING : v.length).toArray();
  }

  /** Refuses an array whose completions are not as many, or not as long, as the mask's. */
  static void check(String name, int[] given, float[][] completionMask) {
    if (given.length != completionMask.length) {
      throw new IllegalArgumentException(
          String.format(
              "%s has shape [%d][T]: want [%d][T], as completionMask",
              name, given.length, completionMask.length));
    }
    for (int i = 0; i < given.length; i++) {
      if (given[i] == MISSING) {
        throw new IllegalArgumentException(
            String.format("%s[%d] is null: want [%d]", name, i, completionMask[i].length));
      }
      if (given[i] != completionMask[i].length) {
        throw new IllegalArgumentException(
            String.format(
                "%s[%d] has shape [%d]: want [%d], as completionMask[%d]",
                name, i, given[i], completionMask[i].length, i));
      }
    }
  }
}
