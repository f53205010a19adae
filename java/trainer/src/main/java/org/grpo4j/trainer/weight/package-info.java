/**
 * One weight per token: regions of a completion, ResT's weights on them, and their combination with
 * mask, aggregation and rollout correction into the two weights that the kernel takes.
 */
@NullMarked
package org.grpo4j.trainer.weight;

import org.jspecify.annotations.NullMarked;
