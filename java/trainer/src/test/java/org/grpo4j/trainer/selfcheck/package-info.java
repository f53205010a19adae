@NullMarked
package org.grpo4j.trainer.selfcheck;

import org.jspecify.annotations.NullMarked;
