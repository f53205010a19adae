package org.grpo4j.trainer.serve;

import java.util.List;

/**
 * A sampled token and how likely it was, by the model's own distribution: temperature 1, before
 * penalties, top-k and top-p.
 *
 * @param token its text
 * @param logProb in nats; NaN for a prompt's first token, which has none
 * @param offset where it begins in the completion's text, in chars
 * @param alternatives the most likely tokens at its place, most likely first
 */
record TokenLogProb(String token, float logProb, int offset, List<Alternative> alternatives) {
  /** A token that could have been sampled. */
  record Alternative(String token, float logProb) {}

  TokenLogProb {
    alternatives = List.copyOf(alternatives);
  }

  /** The same in a longer text. */
  TokenLogProb shifted(int chars) {
    return new TokenLogProb(token, logProb, offset + chars, alternatives);
  }
}
