package org.grpo4j.torch.text.jinja;

import org.jspecify.annotations.Nullable;

/** A parsed expression. */
@FunctionalInterface
interface Expr {
  /** The value; null is Python's None. */
  @Nullable Object eval(Scope scope);
}
