package org.grpo4j.trainer.config;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** Copies of free-form values. */
final class Values {
  private Values() {}

  /** An unmodifiable copy in the same order; unlike {@link Map#copyOf} it allows null values. */
  static Map<String, Object> copy(Map<String, Object> map) {
    return Collections.unmodifiableMap(new LinkedHashMap<>(map));
  }
}
