package org.grpo4j.tests;

import java.util.Arrays;
import org.grpo4j.trainer.reward.RewardFunction;
import org.grpo4j.trainer.reward.RewardInput;
import org.grpo4j.trainer.reward.RewardScore;

/** A user's reward that tells completions of a random model apart: the fraction of even ids. */
public final class EvenIdsReward implements RewardFunction {
  @Override
  public String name() {
    return "even_ids";
  }

  @Override
  public RewardScore score(RewardInput input) {
    long even = Arrays.stream(input.completionIds()).filter(id -> id % 2 == 0).count();
    return RewardScore.of((double) even / input.completionLength());
  }
}
