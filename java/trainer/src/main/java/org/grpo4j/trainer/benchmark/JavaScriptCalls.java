package org.grpo4j.trainer.benchmark;

import org.grpo4j.trainer.python.PythonError;
import org.jspecify.annotations.Nullable;
import org.treesitter.TSLanguage;
import org.treesitter.TSNode;
import org.treesitter.TreeSitterJavascript;

/**
 * A call in JavaScript's syntax as BFCL reads it, with assignments for named arguments: {@code
 * f(a="x", b=[1, 2])}. Values stay source text; a text loses its quotes.
 */
final class JavaScriptCalls {
  private static final TSLanguage LANGUAGE = new TreeSitterJavascript();

  private JavaScriptCalls() {}

  /** Decodes the first statement that is a call; null, as in BFCL, where there is none. */
  static @Nullable Object decode(String source) throws PythonError {
    try (SourceTree tree = new SourceTree(LANGUAGE, source)) {
      for (TSNode statement : SourceTree.children(tree.root())) {
        if (statement.getType().equals("expression_statement")) {
          for (TSNode node : SourceTree.children(statement)) {
            if (node.getType().equals("call_expression")) {
              return arguments(tree, node.getChild(1)).callOf(tree.text(node.getChild(0)));
            }
          }
        }
      }
      return null;
    }
  }

  private static SourceArguments arguments(SourceTree tree, TSNode list) throws PythonError {
    SourceArguments arguments = new SourceArguments();
    for (TSNode child : SourceTree.children(list)) {
      switch (child.getType()) {
        case "assignment_expression" ->
            arguments.add(tree.text(child.getChild(0)), unquoted(tree.text(child.getChild(2))));
        case "identifier", "true" -> arguments.add(null, tree.text(child));
        default -> {
          // Other arguments without a name are dropped.
        }
      }
    }
    return arguments;
  }

  private static String unquoted(String text) {
    boolean quoted =
        (text.startsWith("\"") && text.endsWith("\""))
            || (text.startsWith("'") && text.endsWith("'"));
    if (!quoted) {
      return text;
    }
    return text.length() < 2 ? "" : text.substring(1, text.length() - 1);
  }
}
