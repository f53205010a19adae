@NullMarked
package org.grpo4j.trainer.benchmark;

import org.jspecify.annotations.NullMarked;
