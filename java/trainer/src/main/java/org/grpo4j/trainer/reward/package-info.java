/**
 * Rewards: what a completion is worth. {@link org.grpo4j.trainer.reward.RewardFunction} is the
 * interface to implement for an own one; the built-in ones follow ToolRL and ResT.
 */
@NullMarked
package org.grpo4j.trainer.reward;

import org.jspecify.annotations.NullMarked;
