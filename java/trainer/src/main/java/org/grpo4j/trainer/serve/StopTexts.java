package org.grpo4j.trainer.serve;

import java.util.List;

/**
 * Cuts a growing text before the first of some stop texts, wherever the pieces it comes in end. An
 * end that could be the beginning of a stop text is held back until it is certain.
 */
final class StopTexts {
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private boolean found;

  StopTexts(List<String> stops) {
    this.stops = stops;
  }

  /** Adds a piece; returns what is certain to be before any stop text. */
  String append(String piece) {
    if (found) {
      return "";
    }
    held.append(piece);
    int cut = -1;
    for (String stop : stops) {
      int at = held.indexOf(stop);
      if (at >= 0 && (cut < 0 || at < cut)) {
        cut = at;
      }
    }
    found = cut >= 0;
    String given = held.substring(0, found ? cut : held.length() - possibleBeginning());
    held.delete(0, found ? held.length() : given.length());
    return given;
  }

  /** Whether a stop text was met: nothing more will come. */
  boolean found() {
    return found;
  }

  /** What was held back in vain. */
  String rest() {
    String rest = held.toString();
    held.setLength(0);
    return rest;
  }

  /** Length of the longest end of the text that begins a stop text. */
  private int possibleBeginning() {
    int longest = 0;
    for (String stop : stops) {
      for (int length = Math.min(stop.length() - 1, held.length()); length > longest; length--) {
        if (stop.startsWith(held.substring(held.length() - length))) {
          longest = length;
        }
      }
    }
    return longest;
  }
}
