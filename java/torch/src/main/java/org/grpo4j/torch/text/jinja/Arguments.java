package org.grpo4j.torch.text.jinja;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Arguments of a call, a filter or a test.
 *
 * @param function what is called, for messages
 */
record Arguments(
    String function, List<@Nullable Object> positional, Map<String, @Nullable Object> named) {

  /** Refuses what the function does not take. */
  Arguments expect(int atMost, String... names) {
    if (positional.size() > atMost) {
      throw new TemplateException(
          function + " takes at most " + atMost + " arguments, got " + positional.size());
    }
    for (String name : named.keySet()) {
      if (!List.of(names).contains(name)) {
        throw new TemplateException(function + " has no argument " + name);
      }
    }
    return this;
  }

  boolean has(int index, String name) {
    return index < positional.size() || named.containsKey(name);
  }

  /** The argument at a position or of a name; null (none) where it is not given. */
  @Nullable Object get(int index, String name) {
    return index < positional.size() ? positional.get(index) : named.get(name);
  }

  @Nullable Object required(int index, String name) {
    if (!has(index, name)) {
      throw new TemplateException(function + " needs the argument " + name);
    }
    return get(index, name);
  }

  String text(int index, String name) {
    if (required(index, name) instanceof String text) {
      return text;
    }
    throw new TemplateException(function + ": " + name + " must be a string");
  }

  long integer(int index, String name, long otherwise) {
    return has(index, name) ? Values.integer(get(index, name), function) : otherwise;
  }
}
