package org.grpo4j.trainer.python;

import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.python.PythonExpression.Display;
import org.jspecify.annotations.Nullable;

/** {@code ast.unparse(expression)} of Python 3.11: the expression's text in one normal form. */
public final class PythonUnparser {
  /** How tightly a node binds, loosest first; a place that wants a tighter one gets brackets. */
  private enum Level {
    TUPLE,
    YIELD,
    TEST,
    OR,
    AND,
    NOT,
    COMPARISON,
    BIT_OR,
    BIT_XOR,
    BIT_AND,
    SHIFT,
    SUM,
    TERM,
    FACTOR,
    POWER,
    AWAIT,
    ATOM;

    private static final List<Level> ALL = List.of(values());

    /** The next tighter level, or the tightest. */
    Level next() {
      return ALL.get(Math.min(ALL.indexOf(this) + 1, ALL.size() - 1));
    }
  }

  private static final Map<String, Level> BINARY =
      Map.ofEntries(
          Map.entry("|", Level.BIT_OR),
          Map.entry("^", Level.BIT_XOR),
          Map.entry("&", Level.BIT_AND),
          Map.entry("<<", Level.SHIFT),
          Map.entry(">>", Level.SHIFT),
          Map.entry("+", Level.SUM),
          Map.entry("-", Level.SUM),
          Map.entry("*", Level.TERM),
          Map.entry("@", Level.TERM),
          Map.entry("/", Level.TERM),
          Map.entry("%", Level.TERM),
          Map.entry("//", Level.TERM),
          Map.entry("**", Level.POWER));

  private final StringBuilder out = new StringBuilder();

  private PythonUnparser() {}

  /**
   * The text of an expression.
   *
   * @throws PythonError for an f-string, whose fields the parser does not look into
   */
  public static String text(PythonExpression expression) throws PythonError {
    PythonUnparser unparser = new PythonUnparser();
    unparser.write(expression, Level.TEST);
    return unparser.out.toString();
  }

  private void write(PythonExpression e, Level wanted) throws PythonError {
    if (e instanceof PythonExpression.Constant c) {
      constant(c);
    } else if (e instanceof PythonExpression.Ellipsis) {
      out.append("...");
    } else if (e instanceof PythonExpression.Name name) {
      out.append(name.id());
    } else if (e instanceof PythonExpression.Attribute a) {
      attribute(a);
    } else if (e instanceof PythonExpression.Subscript s) {
      subscript(s);
    } else if (e instanceof PythonExpression.Slice s) {
      slice(s);
    } else if (e instanceof PythonExpression.Call call) {
      call(call);
    } else if (e instanceof Display display) {
      display(display, wanted);
    } else if (e instanceof PythonExpression.DictDisplay dict) {
      dict(dict);
    } else if (e instanceof PythonExpression.Comprehension c) {
      comprehension(c);
    } else if (e instanceof PythonExpression.Starred s) {
      out.append('*');
      write(s.value(), Level.BIT_OR);
    } else if (e instanceof PythonExpression.FormattedString) {
      throw new PythonError("f-strings are not supported here");
    } else {
      operation(e, wanted);
    }
  }

  /** What gets brackets where a tighter level is wanted. */
  private void operation(PythonExpression e, Level wanted) throws PythonError {
    Level own = level(e);
    boolean brackets = wanted.compareTo(own) > 0;
    if (brackets) {
      out.append('(');
    }
    if (e instanceof PythonExpression.Unary u) {
      out.append(u.operator()).append(own == Level.NOT ? " " : "");
      write(u.operand(), own);
    } else if (e instanceof PythonExpression.Binary b) {
      boolean power = b.operator().equals("**");
      write(b.left(), power ? own.next() : own);
      out.append(' ').append(b.operator()).append(' ');
      write(b.right(), power ? own : own.next());
    } else if (e instanceof PythonExpression.Logical l) {
      logical(l, own);
    } else if (e instanceof PythonExpression.Compare c) {
      write(c.left(), own.next());
      for (int i = 0; i < c.operators().size(); i++) {
        out.append(' ').append(c.operators().get(i)).append(' ');
        write(c.comparators().get(i), own.next());
      }
    } else if (e instanceof PythonExpression.Conditional c) {
      write(c.body(), own.next());
      out.append(" if ");
      write(c.test(), own.next());
      out.append(" else ");
      write(c.otherwise(), own);
    } else if (e instanceof PythonExpression.Lambda l) {
      lambda(l);
    } else if (e instanceof PythonExpression.Await a) {
      out.append("await ");
      write(a.value(), Level.ATOM);
    } else if (e instanceof PythonExpression.Yield y) {
      yielded(y);
    } else if (e instanceof PythonExpression.Assignment a) {
      out.append(a.name()).append(" := ");
      write(a.value(), Level.ATOM);
    }
    if (brackets) {
      out.append(')');
    }
  }

  private static Level level(PythonExpression e) {
    if (e instanceof PythonExpression.Unary u) {
      return u.operator().equals("not") ? Level.NOT : Level.FACTOR;
    }
    if (e instanceof PythonExpression.Binary b) {
      return BINARY.getOrDefault(b.operator(), Level.ATOM);
    }
    if (e instanceof PythonExpression.Logical l) {
      return l.operator().equals("or") ? Level.OR : Level.AND;
    }
    if (e instanceof PythonExpression.Compare) {
      return Level.COMPARISON;
    }
    if (e instanceof PythonExpression.Await) {
      return Level.AWAIT;
    }
    if (e instanceof PythonExpression.Yield) {
      return Level.YIELD;
    }
    return e instanceof PythonExpression.Assignment ? Level.TUPLE : Level.TEST;
  }

  private void constant(PythonExpression.Constant constant) {
    String text = PythonRepr.of(constant.value());
    if (constant.value() instanceof Double || constant.value() instanceof PythonComplex) {
      // No literal is infinite: Python writes one that is too large.
      text = text.replace("inf", "1e309");
    }
    out.append(constant.unicodePrefix() ? "u" : "").append(text);
  }

  private void attribute(PythonExpression.Attribute a) throws PythonError {
    write(a.value(), Level.ATOM);
    if (a.value() instanceof PythonExpression.Constant c
        && c.value() instanceof java.math.BigInteger) {
      out.append(' ');
    }
    out.append('.').append(a.name());
  }

  private void subscript(PythonExpression.Subscript s) throws PythonError {
    write(s.value(), Level.ATOM);
    out.append('[');
    if (s.slice() instanceof Display d
        && d.kind() == PythonExpression.Kind.TUPLE
        && !d.elements().isEmpty()) {
      items(d.elements(), true);
    } else {
      write(s.slice(), Level.TEST);
    }
    out.append(']');
  }

  private void slice(PythonExpression.Slice s) throws PythonError {
    writeIfPresent(s.lower());
    out.append(':');
    writeIfPresent(s.upper());
    if (s.step() != null) {
      out.append(':');
      write(s.step(), Level.TEST);
    }
  }

  private void writeIfPresent(@Nullable PythonExpression e) throws PythonError {
    if (e != null) {
      write(e, Level.TEST);
    }
  }

  private void call(PythonExpression.Call call) throws PythonError {
    write(call.function(), Level.ATOM);
    out.append('(');
    String separator = "";
    for (PythonExpression argument : call.arguments()) {
      out.append(separator);
      write(argument, Level.TEST);
      separator = ", ";
    }
    for (PythonExpression.Keyword keyword : call.keywords()) {
      out.append(separator).append(keyword.name() == null ? "**" : keyword.name() + "=");
      write(keyword.value(), Level.TEST);
      separator = ", ";
    }
    out.append(')');
  }

  private void items(List<PythonExpression> elements, boolean tuple) throws PythonError {
    String separator = "";
    for (PythonExpression element : elements) {
      out.append(separator);
      write(element, Level.TEST);
      separator = ", ";
    }
    out.append(tuple && elements.size() == 1 ? "," : "");
  }

  private void display(Display d, Level wanted) throws PythonError {
    boolean bare = wanted == Level.TUPLE && !d.elements().isEmpty();
    if (bare && d.kind() == PythonExpression.Kind.TUPLE) {
      items(d.elements(), true);
      return;
    }
    String brackets =
        switch (d.kind()) {
          case TUPLE -> "()";
          case SET -> "{}";
          default -> "[]";
        };
    out.append(brackets.charAt(0));
    items(d.elements(), d.kind() == PythonExpression.Kind.TUPLE);
    out.append(brackets.charAt(1));
  }

  private void dict(PythonExpression.DictDisplay dict) throws PythonError {
    out.append('{');
    String separator = "";
    for (PythonExpression.Entry entry : dict.entries()) {
      out.append(separator);
      if (entry.key() == null) {
        out.append("**");
        write(entry.value(), Level.BIT_OR);
      } else {
        write(entry.key(), Level.TEST);
        out.append(": ");
        write(entry.value(), Level.TEST);
      }
      separator = ", ";
    }
    out.append('}');
  }

  private void comprehension(PythonExpression.Comprehension c) throws PythonError {
    String brackets =
        switch (c.kind()) {
          case LIST -> "[]";
          case SET, DICT -> "{}";
          default -> "()";
        };
    out.append(brackets.charAt(0));
    write(c.element(), Level.TEST);
    if (c.value() != null) {
      out.append(": ");
      write(c.value(), Level.TEST);
    }
    for (PythonExpression.ForClause clause : c.clauses()) {
      out.append(clause.async() ? " async for " : " for ");
      write(clause.target(), Level.TUPLE);
      out.append(" in ");
      write(clause.iterable(), Level.OR);
      for (PythonExpression condition : clause.conditions()) {
        out.append(" if ");
        write(condition, Level.OR);
      }
    }
    out.append(brackets.charAt(1));
  }

  /** Python asks each further operand to bind one level tighter than the one before. */
  private void logical(PythonExpression.Logical l, Level own) throws PythonError {
    Level wanted = own;
    String separator = "";
    for (PythonExpression value : l.values()) {
      wanted = wanted.next();
      out.append(separator);
      write(value, wanted);
      separator = " " + l.operator() + " ";
    }
  }

  private void lambda(PythonExpression.Lambda l) throws PythonError {
    out.append("lambda");
    String separator = " ";
    for (PythonExpression.Parameter p : l.parameters()) {
      out.append(separator).append(p.prefix()).append(p.name());
      if (p.byDefault() != null) {
        out.append('=');
        write(p.byDefault(), Level.TEST);
      }
      separator = ", ";
    }
    out.append(": ");
    write(l.body(), Level.TEST);
  }

  private void yielded(PythonExpression.Yield y) throws PythonError {
    out.append(y.from() ? "yield from" : "yield");
    if (y.value() != null) {
      out.append(' ');
      write(y.value(), Level.ATOM);
    }
  }
}
