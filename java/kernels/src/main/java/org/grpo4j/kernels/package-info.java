@NullMarked
package org.grpo4j.kernels;

import org.jspecify.annotations.NullMarked;
