/** Names in a configuration: classes of the user's own, and what a misspelt one may have meant. */
@NullMarked
package org.grpo4j.trainer.plugin;

import org.jspecify.annotations.NullMarked;
