package org.grpo4j.trainer.benchmark;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.grpo4j.trainer.python.PythonError;
import org.treesitter.TSLanguage;
import org.treesitter.TSNode;
import org.treesitter.TSParser;
import org.treesitter.TSTree;

/** Java or JavaScript source parsed by the tree-sitter grammar that BFCL's decoders use. */
final class SourceTree implements AutoCloseable {
  private final TSParser parser = new TSParser();
  private final TSTree tree;
  private final byte[] bytes;
  private final int[] codePoints;

  /**
   * Parses.
   *
   * @throws PythonError where the tree has an error node; a token that is only missing, such as the
   *     semicolon, is none
   */
  SourceTree(TSLanguage language, String source) throws PythonError {
    bytes = source.getBytes(StandardCharsets.UTF_8);
    codePoints = source.codePoints().toArray();
    parser.setLanguage(language);
    tree = parser.parseString(null, source);
    if (root().toString().contains("ERROR")) {
      close();
      throw new PythonError("the source has a syntax error");
    }
  }

  TSNode root() {
    return tree.getRootNode();
  }

  static List<TSNode> children(TSNode node) {
    List<TSNode> children = new ArrayList<>();
    for (int i = 0; i < node.getChildCount(); i++) {
      children.add(node.getChild(i));
    }
    return children;
  }

  /** A node's source. */
  String text(TSNode node) {
    return new String(
        bytes,
        node.getStartByte(),
        node.getEndByte() - node.getStartByte(),
        StandardCharsets.UTF_8);
  }

  /**
   * Characters of the source from the place of a node's first byte to that of its last: what BFCL's
   * Java decoder takes for the node's source. They differ behind the first character that is not
   * ASCII.
   */
  String textAtByteOffsets(TSNode node) {
    int from = Math.min(node.getStartByte(), codePoints.length);
    int to = Math.min(node.getEndByte(), codePoints.length);
    return new String(codePoints, from, Math.max(0, to - from));
  }

  @Override
  public void close() {
    tree.close();
    parser.close();
  }
}
