@NullMarked
package org.grpo4j.trainer.weight;

import org.jspecify.annotations.NullMarked;
