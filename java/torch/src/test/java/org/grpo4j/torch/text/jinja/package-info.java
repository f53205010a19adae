@NullMarked
package org.grpo4j.torch.text.jinja;

import org.jspecify.annotations.NullMarked;
