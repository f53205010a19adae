/** The CUDA kernels timed with CUDA events on a GPU. */
@NullMarked
package org.grpo4j.benchmarks.gpu;

import org.jspecify.annotations.NullMarked;
