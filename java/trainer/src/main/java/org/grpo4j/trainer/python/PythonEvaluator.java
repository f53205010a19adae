package org.grpo4j.trainer.python;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.python.PythonExpression.Display;
import org.jspecify.annotations.Nullable;

/**
 * {@code eval(text)} of expressions that name nothing: literals, arithmetic, lists, tuples and
 * dicts. A name raises, as an undefined one does in Python; so does a call, also of a builtin
 * function, which Python would run.
 */
public final class PythonEvaluator {
  private PythonEvaluator() {}

  /**
   * The value of an expression.
   *
   * @throws PythonError where Python raises, and for what is said above
   */
  public static @Nullable Object evaluate(PythonExpression e) throws PythonError {
    if (e instanceof PythonExpression.Constant c) {
      return c.value();
    }
    if (e instanceof PythonExpression.Unary u) {
      return PythonArithmetic.unary(u.operator(), evaluate(u.operand()));
    }
    if (e instanceof PythonExpression.Binary b) {
      return PythonArithmetic.binary(b.operator(), evaluate(b.left()), evaluate(b.right()));
    }
    if (e instanceof PythonExpression.Conditional c) {
      return isTrue(evaluate(c.test())) ? evaluate(c.body()) : evaluate(c.otherwise());
    }
    if (e instanceof PythonExpression.Logical l) {
      return logical(l);
    }
    if (e instanceof Display d && d.kind() == PythonExpression.Kind.LIST) {
      return all(d.elements());
    }
    if (e instanceof Display d && d.kind() == PythonExpression.Kind.TUPLE) {
      return new PythonTuple(all(d.elements()));
    }
    if (e instanceof PythonExpression.DictDisplay d) {
      return dict(d);
    }
    if (e instanceof PythonExpression.Name name) {
      throw new PythonError("name '" + name.id() + "' is not defined");
    }
    throw new PythonError("no literal or arithmetic: " + e.getClass().getSimpleName());
  }

  private static List<@Nullable Object> all(List<PythonExpression> elements) throws PythonError {
    List<@Nullable Object> values = new ArrayList<>();
    for (PythonExpression element : elements) {
      values.add(evaluate(element));
    }
    return values;
  }

  private static @Nullable Object logical(PythonExpression.Logical l) throws PythonError {
    Object value = null;
    for (PythonExpression operand : l.values()) {
      value = evaluate(operand);
      if (isTrue(value) == l.operator().equals("or")) {
        return value;
      }
    }
    return value;
  }

  private static Object dict(PythonExpression.DictDisplay d) throws PythonError {
    Map<@Nullable Object, @Nullable Object> map = new LinkedHashMap<>();
    for (PythonExpression.Entry entry : d.entries()) {
      if (entry.key() == null) {
        throw new PythonError("no literal: ** in a dict");
      }
      PythonValues.put(map, evaluate(entry.key()), evaluate(entry.value()));
    }
    return map;
  }

  /** {@code bool(value)}. */
  static boolean isTrue(@Nullable Object value) throws PythonError {
    if (value == null || value instanceof Boolean) {
      return Boolean.TRUE.equals(value);
    }
    if (value instanceof Number || value instanceof PythonComplex) {
      return !PythonValues.equal(value, 0.0);
    }
    return PythonValues.length(value) > 0;
  }
}
