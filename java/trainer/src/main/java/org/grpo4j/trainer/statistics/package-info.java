/** Intervals and tests for a few measured numbers. */
@NullMarked
package org.grpo4j.trainer.statistics;

import org.jspecify.annotations.NullMarked;
