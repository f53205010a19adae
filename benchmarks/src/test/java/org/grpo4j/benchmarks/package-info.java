/** Tests of what is printed of the measured times. */
@NullMarked
package org.grpo4j.benchmarks;

import org.jspecify.annotations.NullMarked;
