/** Tests of the GPU benchmark's arithmetic; the benchmark itself needs a GPU. */
@NullMarked
package org.grpo4j.benchmarks.gpu;

import org.jspecify.annotations.NullMarked;
