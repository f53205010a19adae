package org.grpo4j.torch.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Arguments as written, of a call, a filter or a test. */
record CallArguments(List<Expr> positional, Map<String, Expr> named) {
  static final CallArguments NONE = new CallArguments(List.of(), Map.of());

  Arguments eval(String function, Scope scope) {
    List<@Nullable Object> values = new ArrayList<>();
    positional.forEach(expr -> values.add(expr.eval(scope)));
    Map<String, @Nullable Object> byName = new LinkedHashMap<>();
    named.forEach((name, expr) -> byName.put(name, expr.eval(scope)));
    return new Arguments(function, values, byName);
  }
}
