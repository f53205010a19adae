package org.grpo4j.trainer.task;

/** Which stage of training meets a wording of a question. */
public enum PhrasingSet {
  /** Wordings of the supervised warm start. */
  SEEN,
  /** Wordings that only reinforcement learning trains on; the default evaluation asks these. */
  UNSEEN,
  /** Wordings that neither stage trains on: does what was learnt carry over? */
  NEVER
}
