package org.grpo4j.trainer.python;

import java.util.ArrayList;
import java.util.List;
import org.grpo4j.trainer.python.PythonExpression.Parameter;

/** The parameters of a lambda. */
final class PythonParameters {
  private final PythonParser parser;
  private final PythonTokens tokens;
  private final List<Parameter> parameters = new ArrayList<>();

  PythonParameters(PythonParser parser) {
    this.parser = parser;
    this.tokens = parser.tokens();
  }

  /** Parses up to the colon. */
  List<Parameter> parse() throws PythonError {
    boolean last = false;
    while (!tokens.at(":")) {
      if (last || (!parameters.isEmpty() && !follows(parameters.size() - 1))) {
        throw parser.unexpected();
      }
      parameters.add(parameter());
      last = !tokens.accept(",");
      if (!tokens.at(":") && last) {
        throw parser.unexpected();
      }
    }
    check();
    return parameters;
  }

  /** Whether something may follow a parameter: nothing does after {@code **name}. */
  private boolean follows(int index) {
    return !parameters.get(index).prefix().equals("**");
  }

  private Parameter parameter() throws PythonError {
    if (tokens.accept("/")) {
      return new Parameter("/", "", null);
    }
    if (tokens.accept("**")) {
      return new Parameter("**", tokens.name(), null);
    }
    if (tokens.accept("*")) {
      boolean bare = tokens.at(",");
      return new Parameter("*", bare ? "" : tokens.name(), null);
    }
    String name = tokens.name();
    return new Parameter("", name, tokens.accept("=") ? parser.expression() : null);
  }

  private void check() throws PythonError {
    boolean star = false;
    boolean slash = false;
    boolean defaults = false;
    for (int i = 0; i < parameters.size(); i++) {
      Parameter p = parameters.get(i);
      switch (p.prefix()) {
        case "/" -> {
          if (slash || star || i == 0) {
            throw parser.unexpected();
          }
          slash = true;
        }
        case "*" -> {
          boolean alone =
              p.name().isEmpty()
                  && (i + 1 == parameters.size() || !parameters.get(i + 1).prefix().isEmpty());
          if (star || alone) {
            throw parser.unexpected();
          }
          star = true;
        }
        case "**" -> {}
        default -> {
          if (!star && defaults && p.byDefault() == null) {
            throw new PythonError("non-default argument follows default argument");
          }
          defaults |= p.byDefault() != null;
        }
      }
    }
  }
}
