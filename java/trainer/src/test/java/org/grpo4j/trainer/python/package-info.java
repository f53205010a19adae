@NullMarked
package org.grpo4j.trainer.python;

import org.jspecify.annotations.NullMarked;
