/** Tests of the server's parts, and of the server over plain HTTP. */
@NullMarked
package org.grpo4j.trainer.serve;

import org.jspecify.annotations.NullMarked;
