/** Classes of the user's own that a configuration names. */
@NullMarked
package org.grpo4j.trainer.plugin;

import org.jspecify.annotations.NullMarked;
