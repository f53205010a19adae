/**
 * Worlds that answer a model's tool calls: the interface for a user's own, the two that ship, and
 * the reading of calls out of a turn's text.
 */
@NullMarked
package org.grpo4j.trainer.environment;

import org.jspecify.annotations.NullMarked;
