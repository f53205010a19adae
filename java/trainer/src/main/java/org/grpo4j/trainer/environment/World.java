package org.grpo4j.trainer.environment;

import java.util.List;

/** What one conversation acts on. */
public interface World extends AutoCloseable {
  /**
   * Carries out a call. Calls of a turn come one after the other, in the order in which they were
   * written.
   *
   * @return what the model is shown; what it did wrong is a {@link ToolResult#failure}, not an
   *     exception. An exception other than InputException becomes a failure too.
   */
  ToolResult call(ToolCall call);

  /** Worth of a turn, known once its calls were carried out; it adds to the final reward. */
  default double turnReward(AssistantTurn turn) {
    return 0;
  }

  /** Whether the conversation is over, though the model may want to go on. */
  default boolean ended() {
    return false;
  }

  /**
   * Judges the whole conversation. Called once, after the last turn.
   *
   * @param turns every turn of the model
   * @param ending why there is no further one
   */
  Outcome outcome(List<AssistantTurn> turns, Ending ending);

  /** Releases what this world alone holds. */
  @Override
  default void close() {}
}
