package org.grpo4j.trainer.recipe;

import org.grpo4j.trainer.rollout.SequenceRandom;

/** An endless order over some rows: pass after pass, each pass a permutation of its own. */
final class ShuffledOrder {
  private final int size;
  private final long seed;
  private long pass = -1;
  private int[] order = new int[0];

  ShuffledOrder(int size, long seed) {
    if (size < 1) {
      throw new IllegalArgumentException("size is " + size + ", wanted at least one row");
    }
    this.size = size;
    this.seed = seed;
  }

  /** The row of a draw, counted over all passes. */
  int at(long draw) {
    if (draw / size != pass) {
      pass = draw / size;
      order = permutation(size, SequenceRandom.seed(seed, pass));
    }
    return order[(int) (draw % size)];
  }

  /** Fisher and Yates, with counter-based draws. */
  static int[] permutation(int n, long seed) {
    int[] order = new int[n];
    for (int i = 0; i < n; i++) {
      order[i] = i;
    }
    for (int i = n - 1; i > 0; i--) {
      int j = (int) (SequenceRandom.uniform(seed, i) * (i + 1));
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    return order;
  }
}
