package org.grpo4j.trainer.python;

import java.util.ArrayList;
import java.util.List;
import org.grpo4j.trainer.python.PythonExpression.Display;
import org.grpo4j.trainer.python.PythonExpression.Kind;
import org.jspecify.annotations.Nullable;

/** What stands in brackets: groups, tuples, lists, sets, dicts and comprehensions. */
final class PythonDisplays {
  private final PythonParser parser;
  private final PythonTokens tokens;

  PythonDisplays(PythonParser parser, PythonTokens tokens) {
    this.parser = parser;
    this.tokens = tokens;
  }

  /** A group, a tuple or a generator; the bracket is taken already. */
  PythonExpression parenthesized() throws PythonError {
    if (tokens.at("yield")) {
      PythonExpression yielded = yieldExpression();
      tokens.expect(")");
      return yielded;
    }
    if (tokens.accept(")")) {
      return new Display(Kind.TUPLE, List.of());
    }
    PythonExpression first = parser.starNamedExpression();
    if (tokens.at("for") || tokens.at("async")) {
      return comprehension(Kind.GENERATOR, first, null, ")");
    }
    if (tokens.at(",")) {
      return elements(Kind.TUPLE, first, ")");
    }
    tokens.expect(")");
    if (first instanceof PythonExpression.Starred) {
      throw new PythonError("cannot use starred expression here");
    }
    return first;
  }

  private PythonExpression yieldExpression() throws PythonError {
    tokens.expect("yield");
    if (tokens.accept("from")) {
      return new PythonExpression.Yield(true, parser.expression());
    }
    if (tokens.at(")")) {
      return new PythonExpression.Yield(false, null);
    }
    PythonExpression first = parser.starNamedExpression();
    if (!tokens.at(",")) {
      return new PythonExpression.Yield(false, first);
    }
    List<PythonExpression> values = new ArrayList<>(List.of(first));
    while (tokens.accept(",") && !tokens.at(")")) {
      values.add(parser.starNamedExpression());
    }
    return new PythonExpression.Yield(false, new Display(Kind.TUPLE, values));
  }

  /** A list or set, or a comprehension of one; the opening bracket is taken already. */
  PythonExpression sequence(Kind kind, String close) throws PythonError {
    if (tokens.accept(close)) {
      return new Display(kind, List.of());
    }
    PythonExpression first = parser.starNamedExpression();
    return tokens.at("for") || tokens.at("async")
        ? comprehension(kind, first, null, close)
        : elements(kind, first, close);
  }

  private PythonExpression elements(Kind kind, PythonExpression first, String close)
      throws PythonError {
    List<PythonExpression> elements = new ArrayList<>(List.of(first));
    while (tokens.accept(",") && !tokens.at(close)) {
      elements.add(parser.starNamedExpression());
    }
    tokens.expect(close);
    return new Display(kind, elements);
  }

  /** A dict or set, or a comprehension of one; the opening bracket is taken already. */
  PythonExpression braces() throws PythonError {
    if (tokens.accept("}")) {
      return new PythonExpression.DictDisplay(List.of());
    }
    if (tokens.at("**")) {
      return dict(new ArrayList<>());
    }
    PythonExpression first = parser.starNamedExpression();
    if (!tokens.at(":")) {
      return tokens.at("for") || tokens.at("async")
          ? comprehension(Kind.SET, first, null, "}")
          : elements(Kind.SET, first, "}");
    }
    if (first instanceof PythonExpression.Starred || first instanceof PythonExpression.Assignment) {
      throw parser.unexpected();
    }
    tokens.expect(":");
    PythonExpression value = parser.expression();
    if (tokens.at("for") || tokens.at("async")) {
      return comprehension(Kind.DICT, first, value, "}");
    }
    List<PythonExpression.Entry> entries = new ArrayList<>();
    entries.add(new PythonExpression.Entry(first, value));
    if (tokens.accept(",")) {
      return dict(entries);
    }
    tokens.expect("}");
    return new PythonExpression.DictDisplay(entries);
  }

  private PythonExpression dict(List<PythonExpression.Entry> entries) throws PythonError {
    while (!tokens.at("}")) {
      if (tokens.accept("**")) {
        entries.add(new PythonExpression.Entry(null, parser.binary(0)));
      } else {
        PythonExpression key = parser.expression();
        tokens.expect(":");
        entries.add(new PythonExpression.Entry(key, parser.expression()));
      }
      if (!tokens.accept(",")) {
        break;
      }
    }
    tokens.expect("}");
    return new PythonExpression.DictDisplay(entries);
  }

  /** The clauses behind the element of a comprehension, up to its closing bracket. */
  PythonExpression comprehension(
      Kind kind, PythonExpression element, @Nullable PythonExpression value, String close)
      throws PythonError {
    if (element instanceof PythonExpression.Starred) {
      throw new PythonError("iterable unpacking cannot be used in comprehension");
    }
    List<PythonExpression.ForClause> clauses = new ArrayList<>();
    while (tokens.at("for") || tokens.at("async", "for")) {
      boolean async = tokens.accept("async");
      tokens.expect("for");
      PythonExpression target = targets();
      tokens.expect("in");
      PythonExpression iterable = parser.disjunction();
      List<PythonExpression> conditions = new ArrayList<>();
      while (tokens.accept("if")) {
        conditions.add(parser.disjunction());
      }
      clauses.add(new PythonExpression.ForClause(async, target, iterable, conditions));
    }
    if (clauses.isEmpty()) {
      throw parser.unexpected();
    }
    tokens.expect(close);
    return new PythonExpression.Comprehension(kind, element, value, clauses);
  }

  private PythonExpression targets() throws PythonError {
    PythonExpression first = target();
    if (!tokens.at(",")) {
      return first;
    }
    List<PythonExpression> targets = new ArrayList<>(List.of(first));
    while (tokens.accept(",") && !tokens.at("in")) {
      targets.add(target());
    }
    return new Display(Kind.TUPLE, targets);
  }

  private PythonExpression target() throws PythonError {
    PythonExpression target =
        tokens.accept("*") ? new PythonExpression.Starred(parser.primary()) : parser.primary();
    if (!isTarget(target)) {
      throw new PythonError("cannot assign to this expression");
    }
    return target;
  }

  private static boolean isTarget(PythonExpression e) {
    return e instanceof PythonExpression.Name
        || e instanceof PythonExpression.Attribute
        || e instanceof PythonExpression.Subscript
        || (e instanceof PythonExpression.Starred s && isTarget(s.value()))
        || (e instanceof Display d
            && d.kind() != Kind.SET
            && d.elements().stream().allMatch(PythonDisplays::isTarget));
  }
}
