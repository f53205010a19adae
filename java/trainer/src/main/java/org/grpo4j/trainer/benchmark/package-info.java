/** The judges of BFCL and API-Bank: text in, verdict out; no model is needed. */
@NullMarked
package org.grpo4j.trainer.benchmark;

import org.jspecify.annotations.NullMarked;
