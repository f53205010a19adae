package org.grpo4j.trainer.advantage;

import java.util.Locale;
import org.grpo4j.torch.InputException;

/** What GRPO's advantage is divided by; TRL's option scale_rewards. */
public enum ScaleRewards {
  /** The standard deviation of the group. */
  GROUP,
  /** The standard deviation of the whole batch of rewards. */
  BATCH,
  /** Nothing, as in Dr.GRPO. */
  NONE;

  /** The option of a configuration's word: group, batch or none. */
  public static ScaleRewards named(String name) {
    for (ScaleRewards value : values()) {
      if (value.name().toLowerCase(Locale.ROOT).equals(name)) {
        return value;
      }
    }
    throw new InputException("unknown scale_rewards '" + name + "'; use group, batch or none");
  }
}
