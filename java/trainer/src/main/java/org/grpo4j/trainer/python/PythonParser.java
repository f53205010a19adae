package org.grpo4j.trainer.python;

import java.util.ArrayList;
import java.util.List;
import org.grpo4j.trainer.python.PythonExpression.Binary;
import org.grpo4j.trainer.python.PythonExpression.Display;
import org.grpo4j.trainer.python.PythonExpression.Keyword;
import org.grpo4j.trainer.python.PythonExpression.Kind;
import org.grpo4j.trainer.python.PythonTokenizer.Token;
import org.jspecify.annotations.Nullable;

/**
 * {@code ast.parse(text, mode="eval").body}: the expression grammar of Python 3.11, recursive
 * descent. What is inside the fields of an f-string is not looked at.
 */
public final class PythonParser {
  /** Deeper nesting is refused; CPython refuses it too, at a depth that its build decides. */
  private static final int MAX_DEPTH = 1000;

  /** Binary operators by precedence, loosest first. */
  private static final List<List<String>> BINARY =
      List.of(
          List.of("|"),
          List.of("^"),
          List.of("&"),
          List.of("<<", ">>"),
          List.of("+", "-"),
          List.of("*", "//", "/", "%", "@"));

  private static final List<String> COMPARISONS = List.of("==", "!=", "<=", "<", ">=", ">", "in");

  private final PythonTokens tokens;
  private int depth;

  private PythonParser(PythonTokens tokens) {
    this.tokens = tokens;
  }

  /**
   * Parses one expression.
   *
   * @throws PythonError where {@code ast.parse} raises
   */
  public static PythonExpression parse(String text) throws PythonError {
    PythonParser parser = new PythonParser(new PythonTokens(text));
    PythonExpression expression = parser.expressions();
    while (parser.tokens.at(PythonTokenizer.Kind.NEWLINE)) {
      parser.tokens.take();
    }
    if (!parser.tokens.at(PythonTokenizer.Kind.END)) {
      throw parser.unexpected();
    }
    return expression;
  }

  PythonTokens tokens() {
    return tokens;
  }

  private PythonDisplays displays() {
    return new PythonDisplays(this, tokens);
  }

  PythonError unexpected() {
    return new PythonError("invalid syntax at '" + tokens.peek().text() + "'");
  }

  private void descend() throws PythonError {
    if (++depth > MAX_DEPTH) {
      throw new PythonError("too many nested expressions");
    }
  }

  /** One expression, or a tuple of several. */
  private PythonExpression expressions() throws PythonError {
    PythonExpression first = expression();
    if (!tokens.at(",")) {
      return first;
    }
    List<PythonExpression> elements = new ArrayList<>(List.of(first));
    while (tokens.accept(",") && startsExpression()) {
      elements.add(expression());
    }
    return new Display(Kind.TUPLE, elements);
  }

  private boolean startsExpression() {
    Token token = tokens.peek();
    return switch (token.kind()) {
      case NAME, NUMBER, STRING -> true;
      case KEYWORD ->
          List.of("None", "True", "False", "not", "lambda", "await").contains(token.text());
      case OPERATOR -> List.of("(", "[", "{", "+", "-", "~", "...").contains(token.text());
      case NEWLINE, END -> false;
    };
  }

  PythonExpression expression() throws PythonError {
    descend();
    PythonExpression result;
    if (tokens.at("lambda")) {
      result = lambda();
    } else {
      result = disjunction();
      if (tokens.accept("if")) {
        PythonExpression test = disjunction();
        tokens.expect("else");
        result = new PythonExpression.Conditional(test, result, expression());
      }
    }
    depth--;
    return result;
  }

  private PythonExpression lambda() throws PythonError {
    tokens.expect("lambda");
    List<PythonExpression.Parameter> parameters = new PythonParameters(this).parse();
    tokens.expect(":");
    return new PythonExpression.Lambda(parameters, expression());
  }

  /** An expression or {@code name := expression}. */
  PythonExpression namedExpression() throws PythonError {
    if (tokens.atNameThen(":=")) {
      String name = tokens.name();
      tokens.expect(":=");
      return new PythonExpression.Assignment(name, expression());
    }
    return expression();
  }

  /** A named expression or {@code *expression}. */
  PythonExpression starNamedExpression() throws PythonError {
    return tokens.accept("*") ? new PythonExpression.Starred(binary(0)) : namedExpression();
  }

  PythonExpression disjunction() throws PythonError {
    List<PythonExpression> values = new ArrayList<>(List.of(conjunction()));
    while (tokens.accept("or")) {
      values.add(conjunction());
    }
    return values.size() == 1 ? values.get(0) : new PythonExpression.Logical("or", values);
  }

  private PythonExpression conjunction() throws PythonError {
    List<PythonExpression> values = new ArrayList<>(List.of(inversion()));
    while (tokens.accept("and")) {
      values.add(inversion());
    }
    return values.size() == 1 ? values.get(0) : new PythonExpression.Logical("and", values);
  }

  private PythonExpression inversion() throws PythonError {
    if (!tokens.accept("not")) {
      return comparison();
    }
    descend();
    PythonExpression operand = inversion();
    depth--;
    return new PythonExpression.Unary("not", operand);
  }

  private PythonExpression comparison() throws PythonError {
    PythonExpression left = binary(0);
    List<String> operators = new ArrayList<>();
    List<PythonExpression> comparators = new ArrayList<>();
    for (String operator = comparisonOperator();
        operator != null;
        operator = comparisonOperator()) {
      operators.add(operator);
      comparators.add(binary(0));
    }
    return operators.isEmpty() ? left : new PythonExpression.Compare(left, operators, comparators);
  }

  private @Nullable String comparisonOperator() {
    if (tokens.at("not", "in")) {
      tokens.take();
      tokens.take();
      return "not in";
    }
    if (tokens.accept("is")) {
      return tokens.accept("not") ? "is not" : "is";
    }
    return tokens.acceptAny(COMPARISONS);
  }

  /** Binary operators of a precedence and all tighter ones, from the left. */
  PythonExpression binary(int precedence) throws PythonError {
    if (precedence == BINARY.size()) {
      return factor();
    }
    PythonExpression left = binary(precedence + 1);
    List<String> operators = BINARY.get(precedence);
    for (String o = tokens.acceptAny(operators); o != null; o = tokens.acceptAny(operators)) {
      left = new Binary(o, left, binary(precedence + 1));
    }
    return left;
  }

  private PythonExpression factor() throws PythonError {
    String sign = tokens.acceptAny(List.of("+", "-", "~"));
    descend();
    PythonExpression result = sign == null ? power() : new PythonExpression.Unary(sign, factor());
    depth--;
    return result;
  }

  private PythonExpression power() throws PythonError {
    PythonExpression base =
        tokens.accept("await") ? new PythonExpression.Await(primary()) : primary();
    return tokens.accept("**") ? new Binary("**", base, factor()) : base;
  }

  PythonExpression primary() throws PythonError {
    PythonExpression result = atom();
    while (true) {
      if (tokens.accept(".")) {
        result = new PythonExpression.Attribute(result, tokens.name());
      } else if (tokens.accept("(")) {
        result = call(result);
      } else if (tokens.accept("[")) {
        result = new PythonExpression.Subscript(result, slices());
      } else {
        return result;
      }
    }
  }

  private PythonExpression atom() throws PythonError {
    Token token = tokens.peek();
    switch (token.kind()) {
      case NAME -> {
        return new PythonExpression.Name(tokens.name());
      }
      case NUMBER -> {
        return new PythonExpression.Constant(tokens.take().value(), false);
      }
      case STRING -> {
        return tokens.strings();
      }
      case KEYWORD, OPERATOR -> {
        tokens.take();
        return switch (token.text()) {
          case "None" -> new PythonExpression.Constant(null, false);
          case "True" -> new PythonExpression.Constant(true, false);
          case "False" -> new PythonExpression.Constant(false, false);
          case "..." -> new PythonExpression.Ellipsis();
          case "(" -> displays().parenthesized();
          case "[" -> displays().sequence(Kind.LIST, "]");
          case "{" -> displays().braces();
          default -> throw new PythonError("invalid syntax at '" + token.text() + "'");
        };
      }
      case NEWLINE, END -> throw unexpected();
    }
    throw unexpected();
  }

  /** A call's arguments; the opening bracket is taken already. */
  private PythonExpression call(PythonExpression function) throws PythonError {
    List<PythonExpression> arguments = new ArrayList<>();
    List<Keyword> keywords = new ArrayList<>();
    while (!tokens.at(")")) {
      if (tokens.accept("**")) {
        keywords.add(new Keyword(null, expression()));
      } else if (tokens.atNameThen("=")) {
        String name = tokens.name();
        tokens.expect("=");
        keywords.add(new Keyword(name, expression()));
      } else if (tokens.accept("*")) {
        if (keywords.stream().anyMatch(k -> k.name() == null)) {
          throw new PythonError("iterable argument unpacking follows keyword argument unpacking");
        }
        arguments.add(new PythonExpression.Starred(expression()));
      } else {
        if (!keywords.isEmpty()) {
          throw new PythonError("positional argument follows keyword argument");
        }
        PythonExpression argument = namedExpression();
        if (tokens.at("for") || tokens.at("async")) {
          if (!arguments.isEmpty()) {
            throw new PythonError("Generator expression must be parenthesized");
          }
          return new PythonExpression.Call(
              function,
              List.of(displays().comprehension(Kind.GENERATOR, argument, null, ")")),
              keywords);
        }
        arguments.add(argument);
      }
      if (!tokens.accept(",")) {
        break;
      }
    }
    tokens.expect(")");
    return new PythonExpression.Call(function, arguments, keywords);
  }

  private PythonExpression slices() throws PythonError {
    PythonExpression first = slice();
    if (!tokens.at(",")) {
      tokens.expect("]");
      // One starred index makes a tuple.
      return first instanceof PythonExpression.Starred
          ? new Display(Kind.TUPLE, List.of(first))
          : first;
    }
    List<PythonExpression> elements = new ArrayList<>(List.of(first));
    while (tokens.accept(",") && !tokens.at("]")) {
      elements.add(slice());
    }
    tokens.expect("]");
    return new Display(Kind.TUPLE, elements);
  }

  private PythonExpression slice() throws PythonError {
    if (tokens.accept("*")) {
      return new PythonExpression.Starred(expression());
    }
    PythonExpression lower = tokens.at(":") ? null : namedExpression();
    if (lower != null && (!tokens.at(":") || lower instanceof PythonExpression.Assignment)) {
      return lower;
    }
    tokens.expect(":");
    PythonExpression upper = sliceEnd() ? null : expression();
    PythonExpression step = tokens.accept(":") && !sliceEnd() ? expression() : null;
    return new PythonExpression.Slice(lower, upper, step);
  }

  private boolean sliceEnd() {
    return tokens.at(":") || tokens.at(",") || tokens.at("]");
  }
}
