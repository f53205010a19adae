@NullMarked
package org.grpo4j.torch.text;

import org.jspecify.annotations.NullMarked;
