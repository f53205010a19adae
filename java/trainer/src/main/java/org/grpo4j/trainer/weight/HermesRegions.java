package org.grpo4j.trainer.weight;

import java.util.List;

/**
 * The regions of calls as Qwen and Hermes models write them: {@code <tool_call>} blocks with one
 * JSON object each, reasoning in {@code <think>}. Format is the tags and, in the object, what is
 * around name and arguments: a wrong key breaks a call as a wrong tag does. Text outside is other.
 */
public final class HermesRegions implements RegionFinder {
  private static final String OPEN = "<tool_call>";
  private static final String CLOSE = "</tool_call>";

  @Override
  public List<RegionSpan> find(String text) {
    SpanList spans = new SpanList(text);
    spans.addBlocks("think", Region.REASONING);
    spans.addBlocks("tool_call", null);
    int from = text.indexOf(OPEN);
    while (from >= 0) {
      int close = text.indexOf(CLOSE, from);
      int brace = text.indexOf('{', from);
      CallObject call = brace < 0 || brace > close ? null : CallObject.at(text, brace);
      if (call != null && call.end() <= close) {
        call.addTo(spans);
      }
      from = close < 0 ? -1 : text.indexOf(OPEN, close);
    }
    return spans.list();
  }
}
