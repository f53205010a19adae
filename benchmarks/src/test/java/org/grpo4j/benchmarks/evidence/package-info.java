@NullMarked
package org.grpo4j.benchmarks.evidence;

import org.jspecify.annotations.NullMarked;
