package org.grpo4j.torch.text.jinja;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An object with fields: a template's {@code namespace(...)}, and the {@code loop} of a for. */
final class Namespace {
  private final String name;
  private final Map<String, @Nullable Object> fields = new HashMap<>();

  Namespace(String name, Map<String, @Nullable Object> fields) {
    this.name = name;
    this.fields.putAll(fields);
  }

  @Nullable Object get(String field) {
    return fields.containsKey(field)
        ? fields.get(field)
        : new Undefined("'" + field + "' of a " + name);
  }

  void set(String field, @Nullable Object value) {
    fields.put(field, value);
  }
}
