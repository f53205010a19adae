/** Sampling completions from a policy, and what is kept of them for training. */
@NullMarked
package org.grpo4j.trainer.rollout;

import org.jspecify.annotations.NullMarked;
