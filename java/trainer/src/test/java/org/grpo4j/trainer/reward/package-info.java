@NullMarked
package org.grpo4j.trainer.reward;

import org.jspecify.annotations.NullMarked;
