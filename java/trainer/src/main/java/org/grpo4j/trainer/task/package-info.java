/**
 * The embedded default: a self-made tool-calling task, its tokenizer and its checkpoint.
 *
 * <p>Nothing here is needed to train another model; it exists so that the main command works
 * without a download.
 */
@NullMarked
package org.grpo4j.trainer.task;

import org.jspecify.annotations.NullMarked;
