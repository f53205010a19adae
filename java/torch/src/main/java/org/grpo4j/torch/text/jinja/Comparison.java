package org.grpo4j.torch.text.jinja;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One comparison of a chain: its operator and what stands on its right. */
record Comparison(String operator, Expr right) {
  /** Those that are one token; in and not in are names. */
  static final Set<String> OPERATORS = Set.of("==", "!=", "<", "<=", ">", ">=");

  /** {@code a < b <= c} as in Python: all hold, each value computed once, none after a failure. */
  static Expr chained(Expr first, List<Comparison> chain) {
    return s -> {
      Object left = first.eval(s);
      for (Comparison comparison : chain) {
        Object right = comparison.right.eval(s);
        if (!comparison.holds(left, right)) {
          return false;
        }
        left = right;
      }
      return true;
    };
  }

  private boolean holds(@Nullable Object left, @Nullable Object other) {
    return switch (operator) {
      case "==" -> Values.equal(left, other);
      case "!=" -> !Values.equal(left, other);
      case "in" -> Values.contains(other, left);
      case "not in" -> !Values.contains(other, left);
      case "<" -> Values.compare(left, other) < 0;
      case "<=" -> Values.compare(left, other) <= 0;
      case ">" -> Values.compare(left, other) > 0;
      default -> Values.compare(left, other) >= 0;
    };
  }
}
