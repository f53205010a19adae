@NullMarked
package org.grpo4j.trainer.data;

import org.jspecify.annotations.NullMarked;
