package org.grpo4j.torch.text.jinja;

import java.util.List;

/** A parsed part of a template. */
@FunctionalInterface
interface Node {
  /** What the loop around a node is to do after it. */
  enum Flow {
    NEXT,
    BREAK,
    CONTINUE
  }

  Flow run(Scope scope, StringBuilder out);

  /** A node that names its line in what goes wrong inside it. */
  static Node onLine(int line, Node node) {
    return (scope, out) -> {
      try {
        return node.run(scope, out);
      } catch (TemplateException e) {
        throw e.at(line);
      } catch (ArithmeticException e) {
        throw new TemplateException("the number is too large (" + e.getMessage() + ")", line);
      }
    };
  }

  static Node sequence(List<Node> nodes) {
    return (scope, out) -> {
      for (Node node : nodes) {
        Flow flow = node.run(scope, out);
        if (flow != Flow.NEXT) {
          return flow;
        }
      }
      return Flow.NEXT;
    };
  }
}
