@NullMarked
package org.grpo4j.trainer.statistics;

import org.jspecify.annotations.NullMarked;
