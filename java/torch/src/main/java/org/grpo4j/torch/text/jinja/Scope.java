package org.grpo4j.torch.text.jinja;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Names and their values; what a scope lacks is looked up in the one around it. */
final class Scope {
  private final @Nullable Scope outer;
  private final Map<String, @Nullable Object> values = new HashMap<>();

  Scope(@Nullable Scope outer) {
    this.outer = outer;
  }

  @Nullable Object get(String name) {
    for (Scope scope = this; scope != null; scope = scope.outer) {
      if (scope.values.containsKey(name)) {
        return scope.values.get(name);
      }
    }
    return new Undefined("'" + name + "'");
  }

  void set(String name, @Nullable Object value) {
    values.put(name, value);
  }
}
