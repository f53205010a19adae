@NullMarked
package org.grpo4j.trainer.advantage;

import org.jspecify.annotations.NullMarked;
