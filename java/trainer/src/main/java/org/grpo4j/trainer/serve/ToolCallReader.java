package org.grpo4j.trainer.serve;

import java.util.List;
import org.grpo4j.trainer.serve.ToolCallSyntax.Part;

/** Tells calls from content while a completion's text arrives in pieces. */
interface ToolCallReader {
  /** Never finds a call. */
  ToolCallReader CONTENT_ALONE =
      new ToolCallReader() {
        @Override
        public Part append(String piece) {
          return new Part(piece, List.of());
        }

        @Override
        public Part rest() {
          return new Part("", List.of());
        }
      };

  /** Adds a piece; returns what is certain now. */
  Part append(String piece);

  /** What was held back. Text that looked like the beginning of a call is content after all. */
  Part rest();
}
