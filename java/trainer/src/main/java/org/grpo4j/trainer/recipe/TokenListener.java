package org.grpo4j.trainer.recipe;

import org.grpo4j.trainer.weight.Region;

/** Takes what is measured of single tokens in an update. */
interface TokenListener {
  /**
   * One token with a weight.
   *
   * @param entropy nats
   * @param spread 1 − Σp²
   * @param squaredNorm of its gradient to the logits
   */
  void token(Region region, double entropy, double spread, double squaredNorm);
}
