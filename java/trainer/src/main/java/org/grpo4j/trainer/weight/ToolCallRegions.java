package org.grpo4j.trainer.weight;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The regions of ResT's release: tags of closed think, response and tool_call blocks, the inside of
 * closed think blocks, and of each closed tool_call (or toolcall) block the first name and the
 * first arguments object.
 */
public final class ToolCallRegions implements RegionFinder {
  /** Python's \s: also the separators U+001C to U+001F and Unicode's spaces. */
  private static final String SPACE =
      "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]*";

  private static final Pattern NAME =
      Pattern.compile("\"name\"" + SPACE + ":" + SPACE + "\"([^\"]+)\"");
  private static final Pattern ARGUMENTS =
      Pattern.compile("\"(?:arguments|parameters)\"" + SPACE + ":" + SPACE);
  private static final Pattern CALL_OPEN = Pattern.compile("<tool_?call>");
  private static final Pattern CALL_CLOSE = Pattern.compile("</tool_?call>");

  @Override
  public List<RegionSpan> find(String text) {
    SpanList spans = new SpanList(text);
    spans.addBlocks("think", Region.REASONING);
    spans.addBlocks("response", null);
    spans.addBlocks("tool_call", null);
    calls(text, spans);
    return spans.list();
  }

  private static void calls(String text, SpanList spans) {
    Matcher open = CALL_OPEN.matcher(text);
    Matcher close = CALL_CLOSE.matcher(text);
    int from = 0;
    while (open.find(from) && close.find(open.end())) {
      call(text.substring(open.end(), close.start()), open.end(), spans);
      from = close.end();
    }
  }

  private static void call(String block, int offset, SpanList spans) {
    Matcher name = NAME.matcher(block);
    if (name.find()) {
      spans.add(Region.TOOL_NAME, offset + name.start(1), offset + name.end(1));
    }
    Matcher key = ARGUMENTS.matcher(block);
    if (key.find()) {
      int open = block.indexOf('{', key.end());
      int end = open < 0 ? -1 : endOfObject(block, open);
      if (end >= 0) {
        spans.add(Region.ARGUMENTS, offset + open, offset + end);
      }
    }
  }

  /** The index after the brace that closes the object opened at a position, or −1 if none does. */
  private static int endOfObject(String text, int open) {
    int depth = 0;
    boolean quoted = false;
    for (int i = open; i < text.length(); i++) {
      char c = text.charAt(i);
      if (quoted) {
        if (c == '\\') {
          i++; // Whatever follows a backslash does not end the string.
        } else if (c == '"') {
          quoted = false;
        }
      } else if (c == '"') {
        quoted = true;
      } else if (c == '{') {
        depth++;
      } else if (c == '}' && --depth == 0) {
        return i + 1;
      }
    }
    return -1;
  }
}
