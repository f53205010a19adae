package org.grpo4j.torch.text.jinja;

import org.jspecify.annotations.Nullable;

/** Something a template can call: a global function, a macro, a method of a value. */
@FunctionalInterface
interface Callable {
  @Nullable Object call(Arguments arguments);
}
