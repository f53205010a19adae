package org.grpo4j.trainer.weight;

import java.util.List;

/**
 * The regions of calls as Llama 3 writes them: JSON objects {"name": …, "parameters": {…}} in the
 * text itself, several apart by spaces, line ends or semicolons, perhaps after {@code
 * <|python_tag|>}. There are no tags around a call, so format is the python tag and what is around
 * name and parameters inside the object. Reasoning is what a {@code <think>} block holds.
 */
public final class Llama3Regions implements RegionFinder {
  private static final String PYTHON_TAG = "<|python_tag|>";

  @Override
  public List<RegionSpan> find(String text) {
    SpanList spans = new SpanList(text);
    spans.addBlocks("think", Region.REASONING);
    int tag = text.indexOf(PYTHON_TAG);
    if (tag >= 0) {
      spans.add(Region.FORMAT, tag, tag + PYTHON_TAG.length());
    }
    // Braces in the reasoning are no calls.
    int reasoned = text.lastIndexOf("</think>");
    int open = text.indexOf('{', Math.max(0, reasoned));
    while (open >= 0) {
      CallObject call = CallObject.at(text, open);
      if (call != null) {
        call.addTo(spans);
      }
      open = text.indexOf('{', call == null ? open + 1 : call.end());
    }
    return spans.list();
  }
}
