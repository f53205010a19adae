package org.grpo4j.trainer.reward;

import org.grpo4j.trainer.python.PythonText;

/** A user's reward: public, with a public no-argument constructor. */
public final class FewWordsReward implements RewardFunction {
  @Override
  public String name() {
    return "few_words";
  }

  @Override
  public RewardScore score(RewardInput input) {
    return RewardScore.of(-PythonText.countWords(input.completion()));
  }
}
