package org.grpo4j.trainer.reward;

/**
 * DAPO's soft overlong punishment (arXiv 2503.14476): 0 up to maxLength − buffer tokens, then
 * falling linearly to −factor at maxLength: min(−(len − (maxLength − buffer)) / buffer · factor,
 * 0).
 */
public final class OverlongReward implements RewardFunction {
  private final Options options;

  /**
   * When and how much to punish.
   *
   * @param maxLength the longest completion, in tokens
   * @param buffer the last so many of them are punished; positive, at most maxLength
   * @param factor the punishment at maxLength
   */
  public record Options(int maxLength, int buffer, double factor) {
    public Options {
      if (buffer <= 0 || buffer > maxLength) {
        throw new org.grpo4j.torch.InputException(
            "overlong reward: the buffer is "
                + buffer
                + " tokens; give 1 to the longest completion's "
                + maxLength);
      }
    }
  }

  public OverlongReward(Options options) {
    this.options = options;
  }

  @Override
  public String name() {
    return "overlong";
  }

  @Override
  public RewardScore score(RewardInput input) {
    int start = options.maxLength() - options.buffer();
    double over = (input.completionLength() - start) / (double) options.buffer();
    // 0.0 - …: short completions score 0, not −0.
    return RewardScore.of(0.0 - Math.max(over * options.factor(), 0));
  }
}
