/** Advantages: how much better a completion is than the others of its group. */
@NullMarked
package org.grpo4j.trainer.advantage;

import org.jspecify.annotations.NullMarked;
