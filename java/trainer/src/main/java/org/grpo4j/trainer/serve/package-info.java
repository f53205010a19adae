/**
 * An OpenAI-compatible server over one checkpoint: {@link
 * org.grpo4j.trainer.serve.CompletionServer} speaks HTTP, {@link
 * org.grpo4j.trainer.serve.BatchEngine} decodes.
 */
@NullMarked
package org.grpo4j.trainer.serve;

import org.jspecify.annotations.NullMarked;
