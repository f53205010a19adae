/**
 * One weight per token: mask, aggregation, token weights, rollout correction and further masks,
 * combined into the two weights that the kernels take. Plain arrays on the Java heap, one per
 * completion, computed once per optimizer step.
 */
@NullMarked
package org.grpo4j.kernels.weight;

import org.jspecify.annotations.NullMarked;
