package org.grpo4j.trainer.weight;

/** What a token of a completion belongs to. The order is the precedence where spans overlap. */
public enum Region {
  /** Outside every other region. */
  OTHER,
  /** Inside think. */
  REASONING,
  /** The object after "arguments" or "parameters". */
  ARGUMENTS,
  /** A tag: think, tool_call, response. */
  FORMAT,
  /** The value of "name". */
  TOOL_NAME
}
