package org.grpo4j.kernels;

import static org.grpo4j.kernels.Arguments.check;

/**
 * A part of the vocabulary, as one rank of a tensor-parallel output layer holds it: tokens begin to
 * begin + (vocab of that rank's logits) − 1.
 *
 * @param begin first token
 * @param total tokens of all shards together
 */
public record VocabShard(long begin, long total) {
  public VocabShard {
    check(begin >= 0, "begin is %s: want >= 0", begin);
    check(total >= 1, "total is %s: want >= 1", total);
  }

  /** The whole vocabulary of these logits. */
  public static VocabShard whole(Logits logits) {
    return new VocabShard(0, Arguments.present("logits", logits).vocab());
  }

  void checkFits(Logits logits) {
    if (logits.vocab() > total - begin) {
      throw Arguments.invalid(
          "shard begins at %d of %d tokens, but logits %s have more than the %d that are left",
          begin, total, logits.describe(), Math.max(0, total - begin));
    }
  }
}
