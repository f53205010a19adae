package org.grpo4j.torch.text.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.grpo4j.torch.text.jinja.Node.Flow;
import org.grpo4j.torch.text.jinja.Token.Kind;
import org.jspecify.annotations.Nullable;

/** Parses the tags of a template: for, if, set, macro, filter, generation, break and continue. */
final class TemplateParser extends ExpressionParser {
  /** The text a block's filters work on; no name of a template can be spelt so. */
  private static final String CAPTURED = "captured text";

  private int loops;

  private TemplateParser(List<Token> tokens) {
    super(tokens);
  }

  static Node parse(String template) {
    return new TemplateParser(Lexer.tokens(template)).body(Set.of());
  }

  /** Everything up to one of the tags named, whose name is then the next token. */
  private Node body(Set<String> ends) {
    List<Node> nodes = new ArrayList<>();
    int line = peek().line();
    while (true) {
      Token token = next();
      switch (token.kind()) {
        case TEXT ->
            nodes.add(
                (scope, out) -> {
                  out.append(token.text());
                  return Flow.NEXT;
                });
        case PRINT_BEGIN -> nodes.add(Node.onLine(token.line(), print()));
        case BLOCK_BEGIN -> {
          if (ends.contains(peek().text())) {
            return Node.sequence(nodes);
          }
          nodes.add(Node.onLine(token.line(), statement()));
        }
        case END -> {
          if (ends.isEmpty()) {
            return Node.sequence(nodes);
          }
          throw new TemplateException(
              "a block is not closed: expected one of " + new TreeSet<>(ends), line);
        }
        default -> throw new TemplateException("unexpected " + token, token.line());
      }
    }
  }

  private Node print() {
    Expr value = tuple();
    if (peek().kind() != Kind.PRINT_END) {
      throw unexpected("'}}'");
    }
    next();
    return (scope, out) -> {
      out.append(Values.str(value.eval(scope)));
      return Flow.NEXT;
    };
  }

  private void endTag() {
    if (peek().kind() != Kind.BLOCK_END) {
      throw unexpected("'%}'");
    }
    next();
  }

  /** The closing tag's name and its end. */
  private void close(String name) {
    if (!skipName(name)) {
      throw unexpected(name);
    }
    endTag();
  }

  private Node statement() {
    Token token = peek();
    String name = expectName();
    return switch (name) {
      case "for" -> loop();
      case "if" -> condition();
      case "set" -> assignment();
      case "macro" -> macro();
      case "filter" -> filterBlock();
      case "generation" -> {
        // transformers marks the assistant's tokens with it; the text is that of its body.
        endTag();
        Node inner = body(Set.of("endgeneration"));
        close("endgeneration");
        yield inner;
      }
      case "break", "continue" -> {
        endTag();
        if (loops == 0) {
          throw new TemplateException(name + " outside a for", token.line());
        }
        Flow flow = name.equals("break") ? Flow.BREAK : Flow.CONTINUE;
        yield (scope, out) -> flow;
      }
      default -> throw new TemplateException("the tag " + name + " is not supported", token.line());
    };
  }

  private Node loop() {
    List<String> targets = names();
    if (!skipName("in")) {
      throw unexpected("'in'");
    }
    Expr items = or();
    Expr condition = skipName("if") ? expression() : null;
    if (peek().isName("recursive")) {
      throw new TemplateException("a recursive for is not supported", peek().line());
    }
    endTag();
    loops++;
    Node inner = body(Set.of("else", "endfor"));
    loops--;
    Node otherwise = (scope, out) -> Flow.NEXT;
    if (skipName("else")) {
      endTag();
      otherwise = body(Set.of("endfor"));
    }
    close("endfor");
    return new Loop(targets, items, condition, inner, otherwise);
  }

  private List<String> names() {
    boolean parenthesised = skipOperator("(");
    List<String> names = new ArrayList<>(List.of(expectName()));
    while (skipOperator(",")) {
      names.add(expectName());
    }
    if (parenthesised) {
      expectOperator(")");
    }
    return names;
  }

  private Node condition() {
    Map<Expr, Node> branches = new LinkedHashMap<>();
    Expr test = expression();
    while (true) {
      endTag();
      branches.put(test, body(Set.of("elif", "else", "endif")));
      if (skipName("elif")) {
        test = expression();
      } else if (skipName("else")) {
        test = s -> true;
      } else {
        close("endif");
        break;
      }
    }
    return (scope, out) -> {
      for (Map.Entry<Expr, Node> branch : branches.entrySet()) {
        if (Values.truth(branch.getKey().eval(scope))) {
          return branch.getValue().run(scope, out);
        }
      }
      return Flow.NEXT;
    };
  }

  private Node assignment() {
    List<String> names = names();
    String field = names.size() == 1 && skipOperator(".") ? expectName() : null;
    Expr value;
    if (skipOperator("=")) {
      value = tuple();
      endTag();
    } else {
      value = captured();
    }
    return (scope, out) -> {
      Object result = value.eval(scope);
      if (field == null) {
        assign(scope, names, result);
      } else if (scope.get(names.get(0)) instanceof Namespace namespace) {
        namespace.set(field, result);
      } else {
        throw new TemplateException(names.get(0) + " is not a namespace: cannot set ." + field);
      }
      return Flow.NEXT;
    };
  }

  /** {@code set x}…{@code endset}: the text between, through filters named at the tag. */
  private Expr captured() {
    Expr filtered = s -> s.get(CAPTURED);
    while (peek().isOperator("|")) {
      filtered = filter(filtered);
    }
    endTag();
    Node inner = body(Set.of("endset"));
    close("endset");
    return through(inner, filtered);
  }

  private Node filterBlock() {
    Expr filtered = namedFilter(s -> s.get(CAPTURED));
    while (peek().isOperator("|")) {
      filtered = filter(filtered);
    }
    endTag();
    Node inner = body(Set.of("endfilter"));
    close("endfilter");
    Expr value = through(inner, filtered);
    return (scope, out) -> {
      out.append(Values.str(value.eval(scope)));
      return Flow.NEXT;
    };
  }

  private static Expr through(Node inner, Expr filtered) {
    return s -> {
      StringBuilder text = new StringBuilder();
      inner.run(new Scope(s), text);
      Scope local = new Scope(s);
      local.set(CAPTURED, text.toString());
      return filtered.eval(local);
    };
  }

  private Node macro() {
    String name = expectName();
    Map<String, @Nullable Expr> parameters = new LinkedHashMap<>();
    expectOperator("(");
    while (!peek().isOperator(")")) {
      String parameter = expectName();
      parameters.put(parameter, skipOperator("=") ? expression() : null);
      if (!peek().isOperator(")")) {
        expectOperator(",");
      }
    }
    expectOperator(")");
    endTag();
    int outer = loops;
    loops = 0;
    Node inner = body(Set.of("endmacro"));
    loops = outer;
    close("endmacro");
    return (scope, out) -> {
      scope.set(name, (Callable) given -> expand(scope, parameters, inner, given));
      return Flow.NEXT;
    };
  }

  private static String expand(
      Scope scope, Map<String, @Nullable Expr> parameters, Node inner, Arguments given) {
    given.expect(parameters.size(), parameters.keySet().toArray(String[]::new));
    Scope local = new Scope(scope);
    int index = 0;
    for (Map.Entry<String, @Nullable Expr> parameter : parameters.entrySet()) {
      String name = parameter.getKey();
      Expr otherwise = parameter.getValue();
      Object value = new Undefined("parameter '" + name + "'");
      if (given.has(index, name)) {
        value = given.get(index, name);
      } else if (otherwise != null) {
        value = otherwise.eval(local);
      }
      local.set(name, value);
      index++;
    }
    StringBuilder out = new StringBuilder();
    inner.run(local, out);
    return out.toString();
  }

  static void assign(Scope scope, List<String> names, @Nullable Object value) {
    if (names.size() == 1) {
      scope.set(names.get(0), value);
      return;
    }
    List<@Nullable Object> parts = Values.iterate(value);
    if (parts.size() != names.size()) {
      throw new TemplateException(
          "cannot unpack " + parts.size() + " values into " + names.size() + " names");
    }
    for (int i = 0; i < parts.size(); i++) {
      scope.set(names.get(i), parts.get(i));
    }
  }

  /** A for loop; each turn has names of its own, as in Jinja. */
  private record Loop(
      List<String> targets, Expr items, @Nullable Expr condition, Node inner, Node otherwise)
      implements Node {

    @Override
    public Flow run(Scope scope, StringBuilder out) {
      List<@Nullable Object> values = new ArrayList<>();
      for (Object value : Values.iterate(items.eval(scope))) {
        Scope trial = new Scope(scope);
        assign(trial, targets, value);
        if (condition == null || Values.truth(condition.eval(trial))) {
          values.add(value);
        }
      }
      if (values.isEmpty()) {
        return otherwise.run(scope, out);
      }
      for (int i = 0; i < values.size(); i++) {
        Scope turn = new Scope(scope);
        turn.set("loop", state(values, i));
        assign(turn, targets, values.get(i));
        if (inner.run(turn, out) == Flow.BREAK) {
          break;
        }
      }
      return Flow.NEXT;
    }

    private static Namespace state(List<@Nullable Object> values, int index) {
      long size = values.size();
      Map<String, @Nullable Object> fields = new HashMap<>();
      fields.put("index", index + 1L);
      fields.put("index0", (long) index);
      fields.put("revindex", size - index);
      fields.put("revindex0", size - index - 1);
      fields.put("first", index == 0);
      fields.put("last", index == size - 1);
      fields.put("length", size);
      fields.put(
          "previtem",
          index > 0 ? values.get(index - 1) : new Undefined("the item before the first"));
      fields.put(
          "nextitem",
          index + 1 < size ? values.get(index + 1) : new Undefined("the item after the last"));
      Callable cycle = given -> given.positional().get(index % given.positional().size());
      fields.put("cycle", cycle);
      return new Namespace("loop", fields);
    }
  }
}
