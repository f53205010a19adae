package org.grpo4j.trainer.environment;

import java.util.List;

/**
 * A conversation with an environment, as it went.
 *
 * @param turns of the model, at least one
 * @param ending why there is no further turn
 * @param outcome the environment's judgement
 */
public record Episode(List<Turn> turns, Ending ending, Outcome outcome) {
  public Episode {
    turns = List.copyOf(turns);
  }

  /**
   * A turn of the model.
   *
   * @param firstToken where its sampled tokens begin in the completion
   * @param endToken the index after the last of them
   * @param said its text, its calls and their results
   * @param reward the environment's, for this turn alone
   */
  public record Turn(int firstToken, int endToken, AssistantTurn said, double reward) {}

  /** What the whole conversation is worth: the turns' rewards and the outcome's. */
  public double reward() {
    return returnFrom(0);
  }

  /** Rewards of a turn and all that follows it, the outcome's included. */
  public double returnFrom(int turn) {
    return turns.subList(turn, turns.size()).stream().mapToDouble(Turn::reward).sum()
        + outcome.reward();
  }

  /** Calls that were carried out. */
  public int calls() {
    return turns.stream().mapToInt(t -> t.said().results().size()).sum();
  }

  /** Calls among them that failed. */
  public int failures() {
    return turns.stream().mapToInt(t -> t.said().failures()).sum();
  }
}
