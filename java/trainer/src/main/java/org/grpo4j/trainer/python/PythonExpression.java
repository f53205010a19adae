package org.grpo4j.trainer.python;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A parsed Python expression: the nodes of Python's own {@code ast}, without positions. */
public sealed interface PythonExpression {
  /**
   * A literal: None, a bool, a number, a text or bytes.
   *
   * @param value as {@link PythonValues} describes values
   * @param unicodePrefix whether a text was written u'…', which {@code ast.unparse} keeps
   */
  record Constant(@Nullable Object value, boolean unicodePrefix) implements PythonExpression {}

  /** The literal {@code ...}. */
  record Ellipsis() implements PythonExpression {}

  /** A text with replacement fields; what is in them is not parsed. */
  record FormattedString() implements PythonExpression {}

  record Name(String id) implements PythonExpression {}

  record Attribute(PythonExpression value, String name) implements PythonExpression {}

  record Subscript(PythonExpression value, PythonExpression slice) implements PythonExpression {}

  record Slice(
      @Nullable PythonExpression lower,
      @Nullable PythonExpression upper,
      @Nullable PythonExpression step)
      implements PythonExpression {}

  record Call(PythonExpression function, List<PythonExpression> arguments, List<Keyword> keywords)
      implements PythonExpression {
    public Call {
      arguments = List.copyOf(arguments);
      keywords = List.copyOf(keywords);
    }
  }

  /**
   * A keyword argument.
   *
   * @param name null for {@code **value}
   */
  record Keyword(@Nullable String name, PythonExpression value) {}

  /**
   * @param operator one of {@code + - ~ not}
   */
  record Unary(String operator, PythonExpression operand) implements PythonExpression {}

  record Binary(String operator, PythonExpression left, PythonExpression right)
      implements PythonExpression {}

  /**
   * @param operator {@code and} or {@code or}
   */
  record Logical(String operator, List<PythonExpression> values) implements PythonExpression {
    public Logical {
      values = List.copyOf(values);
    }
  }

  record Compare(PythonExpression left, List<String> operators, List<PythonExpression> comparators)
      implements PythonExpression {
    public Compare {
      operators = List.copyOf(operators);
      comparators = List.copyOf(comparators);
    }
  }

  record Conditional(PythonExpression test, PythonExpression body, PythonExpression otherwise)
      implements PythonExpression {}

  record Lambda(List<Parameter> parameters, PythonExpression body) implements PythonExpression {
    public Lambda {
      parameters = List.copyOf(parameters);
    }
  }

  /**
   * A parameter of a lambda, or one of the marks between them.
   *
   * @param prefix {@code "" * ** /}
   * @param name empty for a mark alone
   */
  record Parameter(String prefix, String name, @Nullable PythonExpression byDefault) {}

  /** A list, tuple or set written out. */
  record Display(Kind kind, List<PythonExpression> elements) implements PythonExpression {
    public Display {
      elements = List.copyOf(elements);
    }
  }

  /** A dict written out. */
  record DictDisplay(List<Entry> entries) implements PythonExpression {
    public DictDisplay {
      entries = List.copyOf(entries);
    }
  }

  /**
   * @param key null for {@code **value}
   */
  record Entry(@Nullable PythonExpression key, PythonExpression value) {}

  /**
   * A comprehension or generator expression.
   *
   * @param value of a dict's entries, whose key is {@code element}; null for other kinds
   */
  record Comprehension(
      Kind kind,
      PythonExpression element,
      @Nullable PythonExpression value,
      List<ForClause> clauses)
      implements PythonExpression {
    public Comprehension {
      clauses = List.copyOf(clauses);
    }
  }

  record ForClause(
      boolean async,
      PythonExpression target,
      PythonExpression iterable,
      List<PythonExpression> conditions) {
    public ForClause {
      conditions = List.copyOf(conditions);
    }
  }

  record Starred(PythonExpression value) implements PythonExpression {}

  record Await(PythonExpression value) implements PythonExpression {}

  /**
   * @param from whether it is {@code yield from}
   */
  record Yield(boolean from, @Nullable PythonExpression value) implements PythonExpression {}

  /** {@code name := value}. */
  record Assignment(String name, PythonExpression value) implements PythonExpression {}

  /** What a display or comprehension makes. */
  enum Kind {
    LIST,
    TUPLE,
    SET,
    DICT,
    GENERATOR
  }
}
