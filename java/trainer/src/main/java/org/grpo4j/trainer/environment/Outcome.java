package org.grpo4j.trainer.environment;

/**
 * The judgement of a conversation.
 *
 * @param reward what it is worth at the end; the turns' rewards are added to it
 * @param success whether the task was done: what evaluations count
 */
public record Outcome(double reward, boolean success) {
  /** 1 for success, else 0. */
  public static Outcome of(boolean success) {
    return new Outcome(success ? 1 : 0, success);
  }
}
