package org.grpo4j.trainer.advantage;

/** What GRPO's advantage is divided by; TRL's option scale_rewards. */
public enum ScaleRewards {
  /** The standard deviation of the group. */
  GROUP,
  /** The standard deviation of the whole batch of rewards. */
  BATCH,
  /** Nothing, as in Dr.GRPO. */
  NONE
}
