/** What the machine code of the CUDA kernels says about their speed, without a GPU. */
@NullMarked
package org.grpo4j.benchmarks.evidence;

import org.jspecify.annotations.NullMarked;
