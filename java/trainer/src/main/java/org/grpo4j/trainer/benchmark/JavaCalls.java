package org.grpo4j.trainer.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.grpo4j.trainer.python.PythonError;
import org.jspecify.annotations.Nullable;
import org.treesitter.TSLanguage;
import org.treesitter.TSNode;
import org.treesitter.TreeSitterJava;

/**
 * A call in Java's syntax as BFCL reads it, with assignments for named arguments: {@code
 * Type.method(a="x", b=new ArrayList<>())}. Values stay source text; a text outside of anything
 * else loses its quotes.
 */
final class JavaCalls {
  private static final TSLanguage LANGUAGE = new TreeSitterJava();

  private final SourceTree tree;

  private JavaCalls(SourceTree tree) {
    this.tree = tree;
  }

  /** Decodes the first call of a source; no list, as in BFCL, where there is none. */
  static @Nullable Object decode(String source) throws PythonError {
    try (SourceTree tree = new SourceTree(LANGUAGE, source)) {
      Object calls = new JavaCalls(tree).firstCall(tree.root());
      return calls == null ? Map.of() : calls;
    }
  }

  private @Nullable List<@Nullable Object> firstCall(TSNode node) throws PythonError {
    if (node.getType().equals("method_invocation")) {
      return call(node);
    }
    for (TSNode child : SourceTree.children(node)) {
      List<@Nullable Object> found = firstCall(child);
      if (found != null) {
        return found;
      }
    }
    return null;
  }

  private List<@Nullable Object> call(TSNode node) throws PythonError {
    String name = tree.textAtByteOffsets(node.getChildByFieldName("name"));
    TSNode object = node.getChildByFieldName("object");
    String function = object.isNull() ? name : tree.textAtByteOffsets(object) + "." + name;
    SourceArguments arguments = new SourceArguments();
    TSNode list = node.getChildByFieldName("arguments");
    for (TSNode child : list.isNull() ? List.<TSNode>of() : SourceTree.children(list)) {
      switch (child.getType()) {
        case "assignment_expression" ->
            arguments.add(
                tree.textAtByteOffsets(child.getChild(0)), value(child.getChild(2), false));
        case "identifier", "class_literal" -> arguments.add(null, value(child, false));
        default -> {
          // Other arguments without a name are dropped.
        }
      }
    }
    return arguments.callOf(function);
  }

  /**
   * The text of a value.
   *
   * @param nested whether it is part of another, where texts keep their quotes
   */
  private String value(TSNode node, boolean nested) throws PythonError {
    return switch (node.getType()) {
      case "string_literal", "character_literal" -> {
        String text = tree.textAtByteOffsets(node);
        yield nested ? text : text.length() < 2 ? "" : text.substring(1, text.length() - 1);
      }
      case "identifier", "class_literal", "type_identifier", "method_invocation" ->
          tree.textAtByteOffsets(node);
      case "array_creation_expression" ->
          "new %s[]%s"
              .formatted(value(field(node, "type"), true), value(field(node, "value"), true));
      case "object_creation_expression" -> created(node);
      default -> {
        StringBuilder joined = new StringBuilder();
        for (TSNode child : SourceTree.children(node)) {
          joined.append(value(child, true));
        }
        yield node.getChildCount() == 0 ? tree.textAtByteOffsets(node) : joined.toString();
      }
    };
  }

  /**
   * A child by its name; the official decoder fails where there is none, as in {@code new int[5]}.
   */
  private static TSNode field(TSNode node, String name) throws PythonError {
    TSNode child = node.getChildByFieldName(name);
    if (child.isNull()) {
      throw new PythonError("'NoneType' object has no attribute 'type'");
    }
    return child;
  }

  private String created(TSNode node) throws PythonError {
    String type = value(field(node, "type"), true);
    TSNode list = node.getChildByFieldName("arguments");
    if (list.isNull()) {
      return "new " + type + "()";
    }
    List<String> texts = new ArrayList<>();
    for (TSNode child : SourceTree.children(list)) {
      if (!List.of(",", "(", ")").contains(child.getType())) {
        texts.add(value(child, true));
      }
    }
    return "new " + type + "(" + String.join(", ", texts) + ")";
  }
}
