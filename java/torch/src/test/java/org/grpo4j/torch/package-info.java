@NullMarked
package org.grpo4j.torch;

import org.jspecify.annotations.NullMarked;
