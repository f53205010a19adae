package org.grpo4j.torch.text.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.grpo4j.torch.text.jinja.Token.Kind;
import org.jspecify.annotations.Nullable;

/**
 * Parses expressions, in Jinja's order of precedence from loose to tight: inline if, or, and, not,
 * comparison and in, + -, ~, * / // %, **, sign, then attributes, calls, filters and tests.
 */
class ExpressionParser extends TokenReader {
  ExpressionParser(List<Token> tokens) {
    super(tokens);
  }

  final Expr expression() {
    Expr value = or();
    while (skipName("if")) {
      Expr then = value;
      Expr condition = or();
      Expr otherwise = skipName("else") ? expression() : s -> new Undefined("the missing else");
      value = s -> Values.truth(condition.eval(s)) ? then.eval(s) : otherwise.eval(s);
    }
    return value;
  }

  /** One expression, or several with commas between: a tuple. */
  final Expr tuple() {
    return listed(expression());
  }

  private Expr listed(Expr first) {
    if (!peek().isOperator(",")) {
      return first;
    }
    List<Expr> items = new ArrayList<>(List.of(first));
    while (skipOperator(",") && startsExpression()) {
      items.add(expression());
    }
    return tuple(items);
  }

  private static Expr tuple(List<Expr> items) {
    return s -> {
      List<@Nullable Object> values = new ArrayList<>();
      items.forEach(item -> values.add(item.eval(s)));
      return new Tuple(values);
    };
  }

  private boolean startsExpression() {
    Token token = peek();
    return switch (token.kind()) {
      case NAME, STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> Set.of("(", "[", "{", "-", "+").contains(token.text());
      default -> false;
    };
  }

  private static Expr list(List<Expr> items) {
    return s -> {
      List<@Nullable Object> values = new ArrayList<>();
      items.forEach(item -> values.add(item.eval(s)));
      return values;
    };
  }

  final Expr or() {
    Expr value = and();
    while (skipName("or")) {
      Expr left = value;
      Expr right = and();
      value =
          s -> {
            Object first = left.eval(s);
            return Values.truth(first) ? first : right.eval(s);
          };
    }
    return value;
  }

  private Expr and() {
    Expr value = not();
    while (skipName("and")) {
      Expr left = value;
      Expr right = not();
      value =
          s -> {
            Object first = left.eval(s);
            return Values.truth(first) ? right.eval(s) : first;
          };
    }
    return value;
  }

  private Expr not() {
    if (skipName("not")) {
      Expr value = not();
      return s -> !Values.truth(value.eval(s));
    }
    return comparison();
  }

  private Expr comparison() {
    Expr first = sum();
    List<Comparison> chain = new ArrayList<>();
    while (true) {
      if (peek().kind() == Kind.OPERATOR && Comparison.OPERATORS.contains(peek().text())) {
        chain.add(new Comparison(next().text(), sum()));
      } else if (skipName("in")) {
        chain.add(new Comparison("in", sum()));
      } else if (peek().isName("not") && following().isName("in")) {
        next();
        next();
        chain.add(new Comparison("not in", sum()));
      } else {
        return chain.isEmpty() ? first : Comparison.chained(first, chain);
      }
    }
  }

  private Expr sum() {
    Expr value = concatenation();
    while (peek().isOperator("+") || peek().isOperator("-")) {
      value = binary(next().text(), value, concatenation());
    }
    return value;
  }

  private Expr concatenation() {
    Expr value = product();
    while (skipOperator("~")) {
      Expr left = value;
      Expr right = product();
      value = s -> Values.str(left.eval(s)) + Values.str(right.eval(s));
    }
    return value;
  }

  private Expr product() {
    Expr value = power();
    while (peek().kind() == Kind.OPERATOR && Set.of("*", "/", "//", "%").contains(peek().text())) {
      value = binary(next().text(), value, power());
    }
    return value;
  }

  private Expr power() {
    Expr value = signed(true);
    while (peek().isOperator("**")) {
      value = binary(next().text(), value, signed(true));
    }
    return value;
  }

  private static Expr binary(String operator, Expr left, Expr right) {
    return s -> Values.binary(operator, left.eval(s), right.eval(s));
  }

  private Expr signed(boolean filtered) {
    Expr value;
    if (skipOperator("-")) {
      Expr operand = signed(false);
      value = s -> Values.binary("-", 0L, operand.eval(s));
    } else if (skipOperator("+")) {
      value = signed(false);
    } else {
      value = primary();
    }
    value = postfix(value);
    return filtered ? filters(value) : value;
  }

  private Expr primary() {
    Token token = peek();
    switch (token.kind()) {
      case NAME -> {
        next();
        return name(token.text());
      }
      case STRING -> {
        StringBuilder text = new StringBuilder();
        while (peek().kind() == Kind.STRING) {
          text.append(next().text());
        }
        String constant = text.toString();
        return s -> constant;
      }
      case INTEGER -> {
        long constant = Long.parseLong(next().text().replace("_", ""));
        return s -> constant;
      }
      case FLOAT -> {
        double constant = Double.parseDouble(next().text().replace("_", ""));
        return s -> constant;
      }
      case OPERATOR -> {
        if (skipOperator("(")) {
          return parenthesised();
        }
        if (skipOperator("[")) {
          return listLiteral();
        }
        if (skipOperator("{")) {
          return dictLiteral();
        }
      }
      default -> {}
    }
    throw unexpected("an expression");
  }

  private static Expr name(String name) {
    return switch (name) {
      case "true", "True" -> s -> true;
      case "false", "False" -> s -> false;
      case "none", "None" -> s -> null;
      default -> s -> s.get(name);
    };
  }

  private Expr parenthesised() {
    Expr value = peek().isOperator(")") ? tuple(List.of()) : tuple();
    expectOperator(")");
    return value;
  }

  private Expr listLiteral() {
    List<Expr> items = new ArrayList<>();
    while (!peek().isOperator("]")) {
      items.add(expression());
      if (!peek().isOperator("]")) {
        expectOperator(",");
      }
    }
    expectOperator("]");
    return list(items);
  }

  private Expr dictLiteral() {
    Map<Expr, Expr> entries = new LinkedHashMap<>();
    while (!peek().isOperator("}")) {
      Expr key = expression();
      expectOperator(":");
      entries.put(key, expression());
      if (!peek().isOperator("}")) {
        expectOperator(",");
      }
    }
    expectOperator("}");
    return s -> {
      Map<@Nullable Object, @Nullable Object> map = new LinkedHashMap<>();
      entries.forEach((key, value) -> map.put(key.eval(s), value.eval(s)));
      return map;
    };
  }

  private Expr postfix(Expr start) {
    Expr value = start;
    while (true) {
      if (skipOperator(".")) {
        value = attribute(value);
      } else if (skipOperator("[")) {
        value = subscript(value);
      } else if (peek().isOperator("(")) {
        value = call(value);
      } else {
        return value;
      }
    }
  }

  private Expr attribute(Expr value) {
    if (peek().kind() == Kind.INTEGER) {
      long index = Long.parseLong(next().text());
      return s -> Access.item(value.eval(s), index);
    }
    String name = expectName();
    return s -> Access.attribute(value.eval(s), name);
  }

  private Expr subscript(Expr value) {
    Expr open = s -> null;
    Expr start = peek().isOperator(":") ? open : expression();
    if (skipOperator("]")) {
      return s -> Access.item(value.eval(s), start.eval(s));
    }
    expectOperator(":");
    Expr stop = peek().isOperator(":") || peek().isOperator("]") ? open : expression();
    Expr step = skipOperator(":") && !peek().isOperator("]") ? expression() : open;
    expectOperator("]");
    return s -> Access.slice(value.eval(s), start.eval(s), stop.eval(s), step.eval(s));
  }

  private Expr call(Expr callee) {
    String name = previous().kind() == Kind.NAME ? previous().text() : "the function";
    CallArguments arguments = callArguments();
    return s -> {
      Object function = callee.eval(s);
      if (function instanceof Callable callable) {
        return callable.call(arguments.eval(name, s));
      }
      if (function instanceof Undefined undefined) {
        throw undefined.error();
      }
      throw new TemplateException(name + " is a " + Values.type(function) + ", not a function");
    };
  }

  final CallArguments callArguments() {
    expectOperator("(");
    List<Expr> positional = new ArrayList<>();
    Map<String, Expr> named = new LinkedHashMap<>();
    while (!peek().isOperator(")")) {
      if (peek().kind() == Kind.NAME && following().isOperator("=")) {
        String name = next().text();
        next();
        named.put(name, expression());
      } else if (named.isEmpty()) {
        positional.add(expression());
      } else {
        throw unexpected("a named argument");
      }
      if (!peek().isOperator(")")) {
        expectOperator(",");
      }
    }
    expectOperator(")");
    return new CallArguments(positional, named);
  }

  private Expr filters(Expr start) {
    Expr value = start;
    while (true) {
      if (peek().isOperator("|")) {
        value = filter(value);
      } else if (skipName("is")) {
        value = test(value);
      } else if (peek().isOperator("(")) {
        value = call(value);
      } else {
        return value;
      }
    }
  }

  /** One filter, {@code |} included. */
  final Expr filter(Expr value) {
    expectOperator("|");
    return namedFilter(value);
  }

  final Expr namedFilter(Expr value) {
    String name = expectName();
    CallArguments arguments = peek().isOperator("(") ? callArguments() : CallArguments.NONE;
    return s -> Filters.apply(name, value.eval(s), arguments.eval("the filter " + name, s));
  }

  private Expr test(Expr value) {
    boolean negated = skipName("not");
    String name = expectName();
    CallArguments arguments = CallArguments.NONE;
    if (peek().isOperator("(")) {
      arguments = callArguments();
    } else if (startsArgument()) {
      arguments = new CallArguments(List.of(postfix(primary())), Map.of());
    }
    CallArguments given = arguments;
    return s -> Tests.apply(name, value.eval(s), given.eval("the test " + name, s)) != negated;
  }

  /** Whether an argument without parentheses follows a test, as in {@code is divisibleby 3}. */
  private boolean startsArgument() {
    Token token = peek();
    return switch (token.kind()) {
      case STRING, INTEGER, FLOAT -> true;
      case NAME -> !Set.of("else", "or", "and", "is", "if", "not", "in").contains(token.text());
      case OPERATOR -> token.text().equals("[") || token.text().equals("{");
      default -> false;
    };
  }
}
