/**
 * Python's values, JSON and expressions, as far as verdicts of Python programs depend on them:
 * rewards and benchmarks are defined by what those programs compute.
 */
@NullMarked
package org.grpo4j.trainer.python;

import org.jspecify.annotations.NullMarked;
