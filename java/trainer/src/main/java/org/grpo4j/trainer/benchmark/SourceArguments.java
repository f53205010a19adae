package org.grpo4j.trainer.benchmark;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.python.PythonError;
import org.jspecify.annotations.Nullable;

/** The arguments of a Java or JavaScript call by name; those without a name are under null. */
final class SourceArguments {
  private final Map<@Nullable Object, @Nullable Object> values = new LinkedHashMap<>();

  void add(@Nullable String name, @Nullable String value) throws PythonError {
    if (values.containsKey(name)) {
      throw new PythonError("Multiple arguments with the same name are not supported.");
    }
    values.put(name, value);
  }

  /** The decoded calls: the one call {function: arguments}. */
  List<@Nullable Object> callOf(String function) {
    Map<@Nullable Object, @Nullable Object> call = new LinkedHashMap<>();
    call.put(function, values);
    List<@Nullable Object> calls = new ArrayList<>();
    calls.add(call);
    return calls;
  }
}
