package org.grpo4j.trainer.benchmark;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.python.PythonError;
import org.grpo4j.trainer.python.PythonEvaluator;
import org.grpo4j.trainer.python.PythonExpression;
import org.grpo4j.trainer.python.PythonParser;
import org.grpo4j.trainer.python.PythonText;
import org.grpo4j.trainer.python.PythonTuple;
import org.grpo4j.trainer.python.PythonUnparser;
import org.grpo4j.trainer.python.PythonValues;
import org.jspecify.annotations.Nullable;

/**
 * Calls in Python's syntax as BFCL's {@code ast_parse} reads them: {@code [f(a=1), g.h(b='x')]}.
 *
 * <p>Its quirks are part of what an answer scores: positional arguments are dropped, any sign
 * negates ({@code +5} is -5, {@code not True} is -1), a name is its own text, a call without
 * keywords is its source text, arithmetic is computed, and an attribute such as {@code Unit.METRE}
 * is an error.
 */
final class PythonCalls {
  private PythonCalls() {}

  /** Decodes a list of calls, or one call. */
  static List<@Nullable Object> decode(String text) throws PythonError {
    PythonExpression body = PythonParser.parse(PythonText.strip(PythonText.strip(text), "'"));
    if (body instanceof PythonExpression.Call call) {
      return List.of(call(call));
    }
    if (!(body instanceof PythonExpression.Display display)) {
      throw new PythonError("no list of calls");
    }
    List<@Nullable Object> calls = new ArrayList<>();
    for (PythonExpression element : display.elements()) {
      if (!(element instanceof PythonExpression.Call call)) {
        throw new PythonError("an element is no call");
      }
      calls.add(call(call));
    }
    return calls;
  }

  private static Map<@Nullable Object, @Nullable Object> call(PythonExpression.Call call)
      throws PythonError {
    Deque<String> parts = new ArrayDeque<>();
    PythonExpression function = call.function();
    while (function instanceof PythonExpression.Attribute attribute) {
      parts.addFirst(attribute.name());
      function = attribute.value();
    }
    if (function instanceof PythonExpression.Name name) {
      parts.addFirst(name.id());
    }
    Map<@Nullable Object, @Nullable Object> arguments = new LinkedHashMap<>();
    for (PythonExpression.Keyword keyword : call.keywords()) {
      arguments.put(keyword.name(), value(keyword.value()));
    }
    Map<@Nullable Object, @Nullable Object> result = new LinkedHashMap<>();
    result.put(String.join(".", parts), arguments);
    return result;
  }

  private static @Nullable Object value(PythonExpression e) throws PythonError {
    if (e instanceof PythonExpression.Constant c) {
      return c.value();
    }
    if (e instanceof PythonExpression.Ellipsis) {
      return "...";
    }
    if (e instanceof PythonExpression.Unary u) {
      return negated(u.operand());
    }
    if (e instanceof PythonExpression.Display d) {
      return display(d);
    }
    if (e instanceof PythonExpression.DictDisplay d) {
      return dict(d);
    }
    if (e instanceof PythonExpression.Binary) {
      return PythonEvaluator.evaluate(e);
    }
    if (e instanceof PythonExpression.Name name) {
      return name.id();
    }
    if (e instanceof PythonExpression.Call c) {
      return c.keywords().isEmpty() ? PythonUnparser.text(c) : call(c);
    }
    if (e instanceof PythonExpression.Subscript s) {
      return PythonUnparser.text(s.value()) + "[" + PythonUnparser.text(s.slice()) + "]";
    }
    throw unsupported(e);
  }

  private static PythonError unsupported(PythonExpression e) {
    return new PythonError("Unsupported AST type: " + e.getClass().getSimpleName());
  }

  private static @Nullable Object negated(PythonExpression operand) throws PythonError {
    if (!(operand instanceof PythonExpression.Constant constant)) {
      throw new PythonError("a sign before something that is no literal");
    }
    return PythonEvaluator.evaluate(new PythonExpression.Unary("-", constant));
  }

  private static Object display(PythonExpression.Display d) throws PythonError {
    if (d.kind() == PythonExpression.Kind.SET) {
      throw unsupported(d);
    }
    List<@Nullable Object> values = new ArrayList<>();
    for (PythonExpression element : d.elements()) {
      values.add(value(element));
    }
    return d.kind() == PythonExpression.Kind.TUPLE ? new PythonTuple(values) : values;
  }

  private static Object dict(PythonExpression.DictDisplay d) throws PythonError {
    Map<@Nullable Object, @Nullable Object> map = new LinkedHashMap<>();
    for (PythonExpression.Entry entry : d.entries()) {
      if (entry.key() == null) {
        throw new PythonError("Unsupported AST type: ** in a dict");
      }
      PythonValues.put(map, value(entry.key()), value(entry.value()));
    }
    return map;
  }
}
