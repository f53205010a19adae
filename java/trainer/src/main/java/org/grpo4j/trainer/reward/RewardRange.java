package org.grpo4j.trainer.reward;

import org.grpo4j.trainer.reward.ToolRlOptions.Switch;

/** The least and the greatest value of a part of ToolRL's reward at one step. */
record RewardRange(double min, double max) {
  /** Steps over which SCHEDULEREWARD moves the ranges. */
  private static final double SCHEDULE_STEPS = 150;

  /** Step at which MAX1STEP30MAX3 changes over. */
  private static final long SWITCH_STEP = 30;

  /** Of the format part: [0, 1] unless an option changes it. */
  static RewardRange format(ToolRlOptions options, long step) {
    double max = 1;
    double min = 0;
    if (options.on(Switch.MAX1STEP30MAX3) && step >= SWITCH_STEP) {
      max /= 2;
      min /= 2;
    }
    if (options.on(Switch.SCHEDULEREWARD)) {
      max = Math.max(1, 2 - (2 - max) * step / SCHEDULE_STEPS);
      min = Math.min(-1, -2 + (2 + min) * step / SCHEDULE_STEPS);
    }
    return new RewardRange(min, max);
  }

  /** Of the correctness part: [−3, 3] unless an option changes it. */
  static RewardRange correctness(ToolRlOptions options, long step) {
    double max = options.on(Switch.CORRECTMAX1) ? 1 : 3;
    double min = -max;
    if (options.on(Switch.MAX1STEP30MAX3) && step < SWITCH_STEP) {
      max /= 3;
      min /= 3;
    }
    if (options.on(Switch.SCHEDULEREWARD)) {
      max = Math.min(3, (max - 2) * step / SCHEDULE_STEPS + 2);
      min = Math.max(-3, (min + 2) * step / SCHEDULE_STEPS - 2);
    }
    return new RewardRange(min, max);
  }

  /** The value at a fraction of the range. */
  double at(double score, double fullScore) {
    return (max - min) * score / fullScore + min;
  }
}
