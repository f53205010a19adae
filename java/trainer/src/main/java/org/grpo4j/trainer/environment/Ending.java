package org.grpo4j.trainer.environment;

/** Why a conversation has no further turn. */
public enum Ending {
  /** The model ended a turn without a call. */
  ANSWERED,
  /** The world says that it is over. */
  WORLD_ENDED,
  /** The calls of the last turn were one round more than {@code max_tool_calling_iterations}. */
  TURN_LIMIT,
  /** The next token, or the tools' answer, would not have fit {@code max_completion_length}. */
  TOKEN_LIMIT
}
