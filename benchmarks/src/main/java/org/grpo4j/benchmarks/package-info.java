/** The kernels timed beside torch and beside the memory bandwidth, in one process. */
@NullMarked
package org.grpo4j.benchmarks;

import org.jspecify.annotations.NullMarked;
