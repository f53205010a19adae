/** Training rows: files in, examples and token ids out. */
@NullMarked
package org.grpo4j.trainer.data;

import org.jspecify.annotations.NullMarked;
