/**
 * The recipes: reinforcement learning, the warm start before it, and the evaluation around both.
 */
@NullMarked
package org.grpo4j.trainer.recipe;

import org.jspecify.annotations.NullMarked;
