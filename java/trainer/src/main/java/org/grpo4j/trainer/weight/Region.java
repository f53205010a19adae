package org.grpo4j.trainer.weight;

/** What a token of a completion belongs to. The order is the precedence where spans overlap. */
public enum Region {
  /** Outside every other region. */
  OTHER(0),
  /** Inside think. */
  REASONING(1),
  /** The object after "arguments" or "parameters". */
  ARGUMENTS(2),
  /** A tag: think, tool_call, response. */
  FORMAT(3),
  /** The value of "name". */
  TOOL_NAME(4);

  private final int bit;

  Region(int bit) {
    this.bit = bit;
  }

  /** Its bit in a token's set of regions, as the kernel library takes them. */
  public int bit() {
    return bit;
  }
}
