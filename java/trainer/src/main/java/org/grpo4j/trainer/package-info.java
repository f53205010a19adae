@NullMarked
package org.grpo4j.trainer;

import org.jspecify.annotations.NullMarked;
