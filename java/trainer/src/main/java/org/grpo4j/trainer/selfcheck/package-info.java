/** Reference vectors, made by other programs, compared with what this one computes. */
@NullMarked
package org.grpo4j.trainer.selfcheck;

import org.jspecify.annotations.NullMarked;
